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
  /** Of the newest generation; one whose file is invalid has the rules of the one before it. Undefined when that file cannot be read. */
  readonly inForce: RulesFile | undefined;
  /** All that are listed, known and valid, oldest first. */
  readonly files: readonly { readonly generation: number; readonly bytes: Buffer; readonly file: RulesFile }[];
  /** Those whose file cannot be read, oldest first; the build's own rules are known all the same, and among `files`. */
  readonly unreadable: readonly Unreadable[];
  /** Nobody has published yet: the pointer is what the first detector, or this command, will write. */
  readonly isNew: boolean;
}

/** A listed generation whose file waiting does not bring back. */
export interface Unreadable {
  readonly generation: number;
  readonly hash: string;
  /** OBJECT_MISSING, OBJECT_CORRUPT, or OBJECT_UNAVAILABLE for a right that is not granted. */
  readonly code: string;
  readonly message: string;
}

export type PublishedPointer = Pick<Published, 'pointer' | 'isNew'>;

export async function readPointer(store: RulesStore, now: number): Promise<PublishedPointer> {
  const found = await store.readPointer();
  return { pointer: found ?? firstPointer({ hash: hashOf(defaultRulesFile), now, by: 'build' }), isNew: found === undefined };
}

/**
 * Reads all that is listed. Rejects with RULES_INVALID when one has a newer schema than this build can judge, or when none is valid;
 * with OBJECT_UNAVAILABLE when the store is away.
 */
export async function readPublished(store: RulesStore, { pointer, isNew }: PublishedPointer): Promise<Published> {
  const files: { generation: number; bytes: Buffer; file: RulesFile }[] = [];
  const unreadable: Unreadable[] = [];
  let inForce: RulesFile | undefined;
  for (const listed of pointer.generations) {
    assertKnownSchema(listed);
    const { generation, hash } = listed;
    const read = isNew ? defaultRulesFile : await bytesOrProblem(store, listed);
    if ('code' in read) unreadable.push(read);
    const bytes = 'code' in read ? ownRules(hash) : read;
    const file = bytes && validOrNot(bytes);
    if (bytes !== undefined && file !== undefined) files.push({ generation, bytes, file });
    if (bytes === undefined || file !== undefined) inForce = file;
  }
  if (files.length + unreadable.length === 0) throw new PlatformError('RULES_INVALID', 'no generation that is listed has valid rules');
  return { pointer, inForce, files, unreadable, isNew };
}

/** The bytes of the build's own rules, when that is their name. */
export const ownRules = (hash: string): Buffer | undefined => (hash === hashOf(defaultRulesFile) ? defaultRulesFile : undefined);

async function bytesOrProblem(store: RulesStore, { generation, hash }: Generation): Promise<Buffer | Unreadable> {
  try {
    return await store.readRules(hash);
  } catch (error) {
    if (!isPlatformError(error) || error.retriable) throw error;
    return { generation, hash, code: error.code, message: error.message };
  }
}

/** Ids of all that is listed; undefined when any of it cannot be read now. */
export async function knownRules(store: RulesStore, pointer: PublishedPointer): Promise<ReadonlySet<string> | undefined> {
  try {
    const { files, unreadable } = await readPublished(store, pointer);
    if (unreadable.length > 0) return undefined;
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
