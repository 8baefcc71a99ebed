import { isPlatformError, PlatformError } from '../../services/lib/process/errors.ts';
import type { RulesPointer } from '../../services/lib/rules/live/pointer.ts';
import type { RepairableRulesStore, RulesAudit } from '../../services/lib/rules/live/rules-store.ts';

/** Where it is written, by whom. */
export interface Place {
  readonly stage: string;
  readonly account: string;
  readonly region: string;
  readonly store: RepairableRulesStore;
  /** Generations that snapshots were made under; undefined when nobody knows. */
  readonly referenced: () => Promise<ReadonlySet<number> | undefined>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly by: string;
  /** Version of what this build takes as a rules file. */
  readonly schema: number;
}

export interface Result {
  readonly refused: boolean;
  /** For people. */
  readonly text: readonly string[];
  /** For machines. */
  readonly figures: Readonly<Record<string, unknown>>;
}

export const refusal = (text: readonly string[]): Result => ({ refused: true, text, figures: { problems: text } });

/** Writes the pointer that follows the one that was looked at. Rejects when somebody else wrote meanwhile, or when it is not known whether it was written. */
export async function writeSurely({ store, stage, account, region }: Place, pointer: RulesPointer, audit: RulesAudit): Promise<void> {
  const details = { ...audit.details, stage, account, region };
  try {
    if ((await store.writePointer(pointer, { ...audit, details })) === 'written') return;
  } catch (error) {
    if (!isPlatformError(error, 'TABLE_UNAVAILABLE')) throw error;
    const found = await store.readPointer();
    if (found?.version === pointer.version && JSON.stringify(found) === JSON.stringify(pointer)) return;
    throw new PlatformError('TABLE_UNAVAILABLE', `${error.message}. As of now it is not written; --list tells`, { cause: error });
  }
  throw new PlatformError(
    'CONDITION_FAILED',
    'somebody else published or withheld meanwhile: nothing was written; look at --list and try again',
  );
}
