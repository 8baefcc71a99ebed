import { setTimeout as delay } from 'node:timers/promises';
import type { Done, WireCheckpointer, WireProcessor, WireRecord } from 'aws-kcl';
import { PlatformError } from '../process/errors.ts';
import type { Metrics } from '../process/metrics.ts';
import type { ShardCheckpointer } from './checkpointer.ts';
import { type Position, position, trimHorizon } from './position.ts';
import type { RecordProcessor, ShardContext, StreamRecord } from './processor.ts';
import type { Shard } from './shards.ts';
import { withoutStrays } from './strays.ts';

/** ListShards may be a little behind a reshard (KCL: "This can happen due to a race condition between listShards and a reshard operation"). */
const closedLooks = 5;
const closedPauseMs = 1_000;

export interface SessionEvents {
  /** The daemon has named the shard. */
  onShard(shardId: string): void;
  /** The last action was answered: nothing of the shard is under way any more. */
  onDone(reason: 'leaseLost' | 'shardEnded'): void;
  /** The processor rejected, or went against the protocol. The action stays unanswered, so nothing of it is checkpointed. */
  onFailure(action: string, thrown: unknown): void;
}

/**
 * One shard's conversation with the daemon: turns aws-kcl's callbacks into promises and answers each action exactly once.
 * (A second status would acknowledge the next batch before it was processed.)
 */
export class ShardSession implements WireProcessor {
  readonly #processor: RecordProcessor;
  readonly #checkpointer: ShardCheckpointer;
  readonly #context: (shardId: string, shard: Shard | undefined) => ShardContext;
  readonly #findShard: (shardId: string) => Promise<Shard | undefined>;
  readonly #metrics: Metrics;
  readonly #events: SessionEvents;
  readonly #pause: (ms: number) => Promise<unknown>;
  #shardId = '';
  #shard: Shard | undefined;

  constructor(options: {
    readonly processor: RecordProcessor;
    readonly checkpointer: ShardCheckpointer;
    readonly context: (shardId: string, shard: Shard | undefined) => ShardContext;
    /** As the stream lists it, asked for at its start and at its end; undefined when nobody knows it any more. */
    readonly findShard: (shardId: string) => Promise<Shard | undefined>;
    readonly metrics: Metrics;
    readonly events: SessionEvents;
    readonly pause?: (ms: number) => Promise<unknown>;
  }) {
    this.#processor = options.processor;
    this.#checkpointer = options.checkpointer;
    this.#context = options.context;
    this.#findShard = options.findShard;
    this.#metrics = options.metrics;
    this.#events = options.events;
    this.#pause = options.pause ?? delay;
  }

  initialize(input: { shardId: string; sequenceNumber?: string | null; subSequenceNumber?: number | null }, done: Done): void {
    this.#answer('initialize', done, async () => {
      const checkpoint = checkpointOf(input.sequenceNumber, input.subSequenceNumber);
      this.#shardId = input.shardId;
      this.#events.onShard(input.shardId);
      this.#checkpointer.initialize(checkpoint);
      this.#shard = await this.#findShard(input.shardId);
      await this.#processor.initialize(this.#context(input.shardId, this.#shard), checkpoint);
    });
  }

  processRecords(
    input: { records: readonly WireRecord[]; millisBehindLatest?: number | null; checkpointer: WireCheckpointer },
    done: Done,
  ): void {
    this.#answer('processRecords', done, async () => {
      const records = input.records.map(toRecord);
      const millisBehindLatest = input.millisBehindLatest ?? 0;
      this.#metrics.gauge('millis_behind_latest', millisBehindLatest, { shard: this.#shardId });
      this.#checkpointer.open(input.checkpointer, { delivered: records.at(-1)?.position });
      const kept = this.#shard === undefined ? records : withoutStrays(records, this.#shard.range);
      if (kept.length < records.length) this.#metrics.count('records_strayed', records.length - kept.length);
      await this.#processor.processRecords({ records: kept, millisBehindLatest }, this.#checkpointer);
      await this.#checkpointer.close();
    });
  }

  shutdownRequested(input: { checkpointer: WireCheckpointer }, done: Done): void {
    this.#answer('shutdownRequested', done, async () => {
      this.#checkpointer.open(input.checkpointer);
      await this.#processor.shutdownRequested(this.#checkpointer);
      await this.#checkpointer.close();
    });
  }

  leaseLost(_input: object, done: Done): void {
    this.#answer('leaseLost', done, () => this.#processor.leaseLost());
  }

  shardEnded(input: { checkpointer: WireCheckpointer }, done: Done): void {
    this.#answer('shardEnded', done, async () => {
      await this.#assertEnded();
      this.#checkpointer.open(input.checkpointer, { shardEnded: true });
      await this.#processor.shardEnded(this.#checkpointer);
      await this.#checkpointer.close();
      // Answered without SHARD_END, the shard and its children would stand still until the lease moves:
      // a fresh process gets a fresh chance. A processor that knows it lost the lease may answer without.
      const failure = this.#checkpointer.lastFailure;
      if (failure === 'failed' || failure === 'bounds') {
        throw new PlatformError('CHECKPOINT_FAILED', `the end of shard ${this.#shardId} could not be checkpointed`, { retriable: true });
      }
    });
  }

  /**
   * KCL takes it for the end of the shard when Kinesis does not find what it reads: a fan-out consumer that was deregistered, or a
   * stream that was deleted (KCL: FanOutRecordsPublisher.handleFlowError, KinesisDataFetcher). With SHARD_END in the lease table it would
   * never read the shard again. Unanswered, the checkpoint stays, and the next daemon registers its consumer anew.
   */
  async #assertEnded(): Promise<void> {
    for (let look = 1; look <= closedLooks; look++) {
      if (look > 1) await this.#pause(closedPauseMs);
      const shard = await this.#findShard(this.#shardId);
      if (shard === undefined || shard.closed) return;
    }
    const message = `KCL says that shard ${this.#shardId} has ended, and the stream has it open: was its fan-out consumer deregistered?`;
    throw new PlatformError('PROTOCOL', message, { retriable: true });
  }

  #answer(
    action: 'initialize' | 'processRecords' | 'shutdownRequested' | 'leaseLost' | 'shardEnded',
    done: Done,
    work: () => Promise<void>,
  ): void {
    // Through a promise, so that a synchronous throw is a rejection too.
    Promise.resolve()
      .then(work)
      .then(
        () => {
          done();
          if (action === 'leaseLost' || action === 'shardEnded') this.#events.onDone(action);
        },
        (thrown: unknown) => this.#events.onFailure(action, thrown),
      );
  }
}

/** KCL's sentinels LATEST and AT_TIMESTAMP say nothing about what was read: like TRIM_HORIZON, before every record. */
function checkpointOf(sequenceNumber: string | null | undefined, subSequenceNumber: number | null | undefined): Position {
  if (!sequenceNumber || sequenceNumber === 'LATEST' || sequenceNumber === 'AT_TIMESTAMP') return trimHorizon;
  return position(sequenceNumber, subSequenceNumber ?? 0);
}

function toRecord(wire: WireRecord): StreamRecord {
  const subSequenceNumber = wire.subSequenceNumber ?? 0;
  return {
    data: Buffer.from(wire.data, 'base64'),
    partitionKey: wire.partitionKey,
    sequenceNumber: wire.sequenceNumber,
    subSequenceNumber,
    position: position(wire.sequenceNumber, subSequenceNumber),
    approximateArrivalTimestamp: wire.approximateArrivalTimestamp ?? 0,
  };
}
