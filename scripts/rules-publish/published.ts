import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { defaultRulesFile } from '../../services/fraud-detector/default-rules.ts';
import { isPlatformError, PlatformError } from '../../services/lib/process/errors.ts';
import { assertKnownSchema, firstPointer, type Generation, type RulesPointer } from '../../services/lib/rules/live/pointer.ts';
import { hashOf, type RulesStore } from '../../services/lib/rules/live/rules-store.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { parseRulesText } from '../../services/lib/rules/rules-text.ts';
import { rowOf } from '../../services/lib/state/state-row-item.ts';
import type { TableTarget } from '../cli/table-target.ts';

export interface Published {
  readonly pointer: RulesPointer;
  /** Of the newest generation; one whose file is invalid has the rules of the one before it. */
  readonly inForce: RulesFile;
  /** All that are listed and valid, oldest first. */
  readonly files: readonly { readonly generation: number; readonly bytes: Buffer; readonly file: RulesFile }[];
  /** Nobody has published yet: the pointer is what the first detector, or this command, will write. */
  readonly isNew: boolean;
}

export type PublishedPointer = Pick<Published, 'pointer' | 'isNew'>;

export async function readPointer(store: RulesStore, now: number): Promise<PublishedPointer> {
  const found = await store.readPointer();
  return { pointer: found ?? firstPointer({ hash: hashOf(defaultRulesFile), now, by: 'build' }), isNew: found === undefined };
}

/**
 * Reads all that is listed: a store that lacks an object is not that of the detectors, and rejects with OBJECT_MISSING. Rejects with
 * RULES_INVALID when one has a newer schema than this build can judge.
 */
export async function readPublished(store: RulesStore, { pointer, isNew }: PublishedPointer): Promise<Published> {
  const bytesOf = ({ hash }: Generation): Promise<Buffer> => (isNew ? Promise.resolve(defaultRulesFile) : store.readRules(hash));
  const files: { generation: number; bytes: Buffer; file: RulesFile }[] = [];
  for (const generation of pointer.generations) {
    assertKnownSchema(generation);
    const bytes = await bytesOf(generation);
    const file = validOrNot(bytes);
    if (file !== undefined) files.push({ generation: generation.generation, bytes, file });
  }
  const inForce = files.at(-1)?.file;
  if (inForce === undefined) throw new PlatformError('RULES_INVALID', 'no generation that is listed has valid rules');
  return { pointer, inForce, files, isNew };
}

/** Undefined when they cannot be read now. */
export async function knownRules(store: RulesStore, pointer: PublishedPointer): Promise<ReadonlySet<string> | undefined> {
  try {
    const { files } = await readPublished(store, pointer);
    return new Set(files.flatMap(({ file }) => file.rules.map(({ id }) => id)));
  } catch (error) {
    if (isPlatformError(error)) return undefined;
    throw error;
  }
}

function validOrNot(bytes: Buffer): RulesFile | undefined {
  try {
    return parseRulesText(bytes);
  } catch (error) {
    if (isPlatformError(error, 'RULES_INVALID')) return undefined;
    throw error;
  }
}

const maxPages = 1_000;

/** Generations that snapshots of any shard were made under; undefined when they cannot be known, since there is no such table. */
export async function referencedGenerations(
  { dynamo }: Pick<TableTarget, 'dynamo'>,
  table: string,
): Promise<ReadonlySet<number> | undefined> {
  const found = new Set<number>();
  let start: Record<string, never> | undefined;
  for (let page = 0; page < maxPages; page++) {
    let answer: Awaited<ReturnType<typeof scan>>;
    try {
      answer = await scan(start);
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return undefined;
      throw error;
    }
    for (const item of answer.Items ?? []) {
      const { current, previous, retired } = rowOf(item);
      if (retired) continue; // its row stays for ever, its snapshots are gone
      for (const ref of [current, previous]) if (ref !== undefined) found.add(ref.generation);
    }
    start = answer.LastEvaluatedKey as Record<string, never> | undefined;
    if (start === undefined) return found;
  }
  return undefined;

  function scan(from: Record<string, never> | undefined) {
    return dynamo.send(new ScanCommand({ TableName: table, ConsistentRead: true, ...(from && { ExclusiveStartKey: from }) }));
  }
}
