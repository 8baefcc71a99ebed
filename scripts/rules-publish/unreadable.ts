import { isPlatformError } from '../../services/lib/process/errors.ts';
import { newestOf } from '../../services/lib/rules/live/pointer.ts';
import { hashOf, type RepairableRulesStore } from '../../services/lib/rules/live/rules-store.ts';
import { ownRules, type Published, type Unreadable } from './published.ts';
import type { Result } from './result.ts';

/** Then the store is hardly that of the detectors. */
export const isAllMissing = ({ pointer, unreadable }: Pick<Published, 'pointer' | 'unreadable'>): boolean =>
  unreadable.length === pointer.generations.length && unreadable.every(({ code }) => code === 'OBJECT_MISSING');

export const wrongStore = 'none of the listed rules files is there: is --objects the object store of the detectors?';

/** What to do about each generation that cannot be read. */
export function remedies(published: Pick<Published, 'pointer' | 'unreadable'>): string[] {
  const told = published.unreadable.map(({ generation, hash, code, message }) => {
    const command =
      ownRules(hash) === undefined ? '--rules FILE --yes with the same bytes' : `these are the build's own: --rollback ${generation} --yes`;
    return `Generation ${generation} cannot be read, and shards that need it wait. ${code}: ${message}. To put its file back: ${command}.`;
  });
  return isAllMissing(published) ? [...told, `Above all: ${wrongStore}`] : told;
}

/** Where the published rules cannot be compared with: said beside what was compared. */
export const notCompared = ({ unreadable }: Pick<Published, 'unreadable'>): string[] =>
  unreadable
    .filter(({ hash }) => ownRules(hash) === undefined)
    .map(
      ({ generation, code }) =>
        `not compared with generation ${generation} (${code}): another rule under a version that it has would go unnoticed`,
    );

/** The bytes of generations whose file cannot be read: put back, and nothing is published. */
export async function restore(
  lost: readonly Unreadable[],
  bytes: Buffer,
  { pointer }: Pick<Published, 'pointer'>,
  { store, yes }: { readonly store: RepairableRulesStore; readonly yes: boolean },
): Promise<Result> {
  const hash = hashOf(bytes);
  const generations = lost.map(({ generation }) => generation);
  const what = `The file of generation ${generations.join(', ')} (${lost[0]?.code})`;
  if (yes) await putIntact(store, bytes);
  return {
    refused: false,
    text: yes
      ? [
          `${what} is put back and was read again: shards that wait for it go on by themselves.`,
          ...(hash === newestOf(pointer).hash ? [] : [`It is not in force by that: --rollback ${generations.at(-1)} publishes it.`]),
        ]
      : [`${what} has just these bytes: --yes puts it back, and publishes nothing.`],
    figures: { hash, published: false, restored: yes ? generations : [] },
  };
}

/**
 * Puts a rules file and reads it back. Other bytes under its name are of no use to anybody, so they are deleted first; readers wait as
 * they did. Done again it comes to the same, whoever else does it and wherever it ended.
 */
export async function putIntact(store: RepairableRulesStore, bytes: Buffer): Promise<void> {
  const hash = await store.putRules(bytes);
  try {
    await store.readRules(hash);
  } catch (error) {
    if (!isPlatformError(error, 'OBJECT_CORRUPT')) throw error;
    await store.deleteRules(hash);
    await store.putRules(bytes);
    await store.readRules(hash);
  }
}
