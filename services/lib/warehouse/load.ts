import type { Position } from '../kcl/position.ts';
import { PlatformError } from '../process/errors.ts';
import type { StageCopier, StagedObject } from './copy.ts';
import type { Session } from './database.ts';
import { takeGate } from './gate.ts';
import { loadEvents } from './load-events.ts';
import { writeLedger, writeQuarantine } from './load-ledger.ts';
import { tune } from './statistics.ts';
import { swapWatermarks } from './watermarks.ts';

export { readWatermarks } from './watermarks.ts';

/** A line of a staged file that the warehouse refused, and that the file's object therefore no longer holds. */
export interface QuarantinedLine {
  /** From 1; the field `line` of the row. */
  readonly line: number;
  /** Where it failed, when the warehouse says so. */
  readonly column?: string;
  /** Short, of a closed set; `detail` is the warehouse's own message. Any text; what is too long is cut off on loading. */
  readonly reason: string;
  readonly detail: string;
  readonly content: string;
}

/** A registered file: the events of (from, to] of one shard. A flush without valid rows has no object. */
export interface LoadFile {
  readonly fileId: string;
  readonly from: Position;
  readonly to: Position;
  /** Lines of the object. */
  readonly rows: number;
  readonly object?: StagedObject;
  readonly quarantined?: readonly QuarantinedLine[];
  /** Earliest and latest occurredAt in the file, epoch ms; present when rows > 0. */
  readonly occurred?: readonly [number, number];
}

/** Consecutive files of one shard; `from` of the first is the shard's watermark. */
export interface LoadChain {
  readonly shardId: string;
  readonly files: readonly [LoadFile, ...LoadFile[]];
}

export interface LoadBatch {
  readonly batchId: string;
  readonly application: string;
  readonly streamId: string;
  readonly chains: readonly LoadChain[];
}

export type LoadOutcome =
  | { readonly kind: 'committed'; readonly copied: number; readonly inserted: number }
  /** The watermark of a shard was not where the batch starts: another committer was first. Nothing was changed. */
  | { readonly kind: 'lost'; readonly shardId: string }
  /** COMMIT was sent and not answered: the watermarks, read anew, decide. */
  | { readonly kind: 'unknown'; readonly error: Error };

/**
 * The load transaction (docs/promises.md, loader). Every statement is in the grammar that Redshift and Postgres share.
 * The gate comes first: without it two committers on different shards would each insert a copy of one event.
 * Rejects when anything fails before COMMIT; the caller then closes the session, which rolls back.
 */
export async function load(session: Session, copier: StageCopier, batch: LoadBatch, now: () => number): Promise<LoadOutcome> {
  await session.query('BEGIN');
  await takeGate(session);
  await tune(session);
  const loser = await swapWatermarks(session, batch);
  if (loser !== undefined) {
    await session.query('ROLLBACK');
    return { kind: 'lost', shardId: loser };
  }
  const files = batch.chains.flatMap((chain) => chain.files);
  const staged = files.filter((file) => file.rows > 0);
  const inserted = staged.length === 0 ? new Map<string, number>() : await loadEvents(session, copier, staged);
  const loadedAt = now();
  await writeQuarantine(session, batch, loadedAt);
  await writeLedger(session, batch, inserted, loadedAt);
  try {
    const { command } = await session.query('COMMIT');
    if (command !== 'COMMIT') return { kind: 'unknown', error: new PlatformError('PROTOCOL', `COMMIT was answered by ${command}`) };
  } catch (error) {
    return { kind: 'unknown', error: error as Error };
  }
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0);
  return { kind: 'committed', copied: sum(staged.map((f) => f.rows)), inserted: sum(inserted.values()) };
}
