import { hash } from 'node:crypto';
import { PlatformError } from '../../process/errors.ts';
import { firstPointer, type RulesPointer } from './pointer.ts';

/** Who did what, kept for ever beside the pointer. `details` is JSON. */
export interface RulesAudit {
  /** Epoch ms. */
  readonly at: number;
  readonly by: string;
  readonly action: 'seed' | 'publish' | 'rollback' | 'withhold' | 'resume';
  readonly details: Readonly<Record<string, unknown>>;
}

/** Where rules files lie, and the pointer that says which of them is in force from when on. */
export interface RulesStore {
  /** Strongly consistent; undefined where there is none yet. Rejects with TABLE_UNAVAILABLE (retriable, unless a right or the table is missing) or RULES_INVALID. */
  readPointer(): Promise<RulesPointer | undefined>;
  /**
   * Only if nobody wrote since: the version there is the given one less 1. The audit goes with it, both or none. Rejects with
   * TABLE_UNAVAILABLE when there was no answer: then read it, it may have been written.
   */
  writePointer(pointer: RulesPointer, audit: RulesAudit): Promise<'written' | 'lost'>;
  /** A rules file's bytes. Rejects with OBJECT_MISSING, OBJECT_CORRUPT (they are not those of the hash) or OBJECT_UNAVAILABLE. */
  readRules(hash: string): Promise<Buffer>;
  /** Durable when it resolves, to the hash. What is there already is left. */
  putRules(bytes: Buffer): Promise<string>;
}

/** For who repairs it by hand. */
export interface RepairableRulesStore extends RulesStore {
  /** For a file that is corrupt, so that it can be put again. One that is missing is fine. */
  deleteRules(hash: string): Promise<void>;
}

/** SHA-256 in hex: the name of a rules file. */
export const hashOf = (bytes: Buffer): string => hash('sha256', bytes, 'hex');

/** The pointer, made from the build's own rules where there is none: whoever comes first writes generation 1. */
export async function readOrSeed(store: RulesStore, rules: Buffer, now: number): Promise<RulesPointer> {
  const found = await store.readPointer();
  if (found !== undefined) return found;
  const by = 'build';
  const first = firstPointer({ hash: await store.putRules(rules), now, by });
  await store.writePointer(first, { at: now, by, action: 'seed', details: { generation: 1, hash: first.generations[0]?.hash } });
  const seeded = await store.readPointer();
  if (seeded === undefined)
    throw new PlatformError('TABLE_UNAVAILABLE', 'the rules pointer was written and is not there', { retriable: true });
  return seeded;
}
