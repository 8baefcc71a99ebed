import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { Position } from './position.ts';
import type { Shard } from './shards.ts';

/** A user record as KCL delivers it: aggregates are already taken apart. */
export interface StreamRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly sequenceNumber: string;
  readonly subSequenceNumber: number;
  readonly position: Position;
  /** When Kinesis took the (outer) record, epoch ms. */
  readonly approximateArrivalTimestamp: number;
}

/** What a processor knows of its shard. */
export interface ShardContext {
  readonly shardId: string;
  /** As the stream lists it at the start; undefined when it does not any more: closed, and all its records expired. */
  readonly shard: Shard | undefined;
  readonly streamName: string;
  /** `<name>@<creation epoch s>`: a stream that was deleted and made again is another stream. */
  readonly streamId: string;
  /** The KCL application's name, which is its lease table's too. */
  readonly application: string;
  readonly workerId: string;
  /** A lease that was not renewed for this long (ms) may be taken by another worker. */
  readonly failoverTimeMs: number;
  readonly log: Logger;
  readonly metrics: Metrics;
}

export type CheckpointOutcome =
  | { readonly ok: true }
  /** `bounds`: KCL's last checkpoint is already there or beyond, or the number was not delivered; `lost`: the lease is gone. */
  | { readonly ok: false; readonly reason: 'bounds' | 'lost' | 'failed'; readonly error: string };

/**
 * KCL's checkpointer, legal only while an action is being answered. Throttled writes are retried inside;
 * bounds errors are logged and returned, never retried (docs/promises.md, checkpoint rules).
 */
export interface Checkpointer {
  /** Everything delivered so far, sub-sequences included; at `shardEnded` this sets SHARD_END. */
  all(): Promise<CheckpointOutcome>;
  /** (sequenceNumber, 0): aws-kcl cannot send a sub-sequence. Skipped with `bounds` when not beyond KCL's last. */
  at(sequenceNumber: string): Promise<CheckpointOutcome>;
  /** KCL's last known checkpoint. */
  readonly last: Position;
}

/**
 * One per shard and process. KCL waits for each promise before it sends the next action.
 * A rejected promise ends the process: the daemon follows, the launcher starts both again, nothing is checkpointed.
 * So reject only when going on would be wrong.
 */
export interface RecordProcessor {
  /** `checkpoint`: where KCL resumes; records at or before it are not delivered. */
  initialize(shard: ShardContext, checkpoint: Position): Promise<void>;
  /** `records` may be empty: a tick of an idle shard. */
  processRecords(
    batch: { readonly records: readonly StreamRecord[]; readonly millisBehindLatest: number },
    checkpointer: Checkpointer,
  ): Promise<void>;
  /** Must checkpoint with `all()`: without it the shard's children never start. */
  shardEnded(checkpointer: Checkpointer): Promise<void>;
  /** The daemon stops soon; last chance to checkpoint. */
  shutdownRequested(checkpointer: Checkpointer): Promise<void>;
  /** Another worker owns the shard; no checkpoint is possible. */
  leaseLost(): Promise<void>;
}
