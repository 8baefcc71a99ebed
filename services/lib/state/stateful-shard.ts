import { setTimeout as sleep } from 'node:timers/promises';
import { failoversUntilSettled } from '../kcl/config.ts';
import { isAfter, type Position, trimHorizon } from '../kcl/position.ts';
import type { Checkpointer, RecordProcessor, ShardContext, StreamRecord } from '../kcl/processor.ts';
import { PlatformError } from '../process/errors.ts';
import { isLeaseLost } from './lease-lost.ts';
import { takeEpoch } from './ownership.ts';
import { Tenure, type TenureParts } from './tenure.ts';
import { untilAnswered } from './until-answered.ts';

/** Between two looks at the lease row when the shard has ended and this process is fenced. */
const leaseLookMs = 1_000;

export interface StatefulShardOptions<State, Effect> {
  readonly parts: (shard: ShardContext) => Omit<TenureParts<State, Effect>, 'shard'>;
  /** Longest wait for a snapshot when the daemon is about to stop. */
  readonly stopSaveMs: number;
}

type Parts<State, Effect> = TenureParts<State, Effect>;

/**
 * - OWNER: applies what is delivered; writes and checkpoints under its epoch.
 * - FENCED: another owner took an epoch, or the lease was not ours to begin with. It goes on answering the daemon, since an exit would take
 *   the JVM and all its shards along, but writes nothing and checkpoints nothing. If the lease row still names this worker after two
 *   failover times, it takes a new epoch and loads the state anew.
 * - ENDED: the shard's last state is durable. Nothing is applied any more; all that is delivered is checkpointed.
 */
type Standing<State, Effect> =
  | { readonly kind: 'owner'; readonly tenure: Tenure<State, Effect> }
  | { readonly kind: 'fenced'; readonly retryAt: number }
  | { readonly kind: 'ended' };

/** A shard's processor whose state outlives it: exactly once in effect, whatever dies when (docs/promises.md). */
export class StatefulShard<State, Effect> implements RecordProcessor {
  readonly #options: StatefulShardOptions<State, Effect>;
  #parts: Parts<State, Effect> | undefined;
  #standing: Standing<State, Effect> = { kind: 'fenced', retryAt: Number.NEGATIVE_INFINITY };
  /** By the daemon to this process, or to one before it. */
  #delivered: Position = trimHorizon;

  constructor(options: StatefulShardOptions<State, Effect>) {
    this.#options = options;
  }

  async initialize(shard: ShardContext, checkpoint: Position): Promise<void> {
    this.#parts = { ...this.#options.parts(shard), shard };
    this.#delivered = checkpoint;
    await this.#take(checkpoint);
  }

  async processRecords({ records }: { readonly records: readonly StreamRecord[] }, checkpointer: Checkpointer): Promise<void> {
    await this.#returnIfDue();
    const last = records.at(-1)?.position;
    if (last !== undefined && isAfter(last, this.#delivered)) this.#delivered = last;
    await this.#checkpointEnded(checkpointer);
    await this.#asOwner((tenure) => tenure.process(records, checkpointer, this.#delivered));
  }

  async shardEnded(checkpointer: Checkpointer): Promise<void> {
    const { table, patience, shard } = this.#ready();
    for (;;) {
      await this.#returnIfDue();
      await this.#asOwner(async (tenure) => {
        await tenure.end();
        this.#standing = { kind: 'ended' };
      });
      if (await this.#checkpointEnded(checkpointer)) return;
      // Answered without a checkpoint only if another worker has the shard: it will end it.
      if (!(await untilAnswered('look at the lease', () => table.ownsLease(shard.shardId), patience))) return;
      await (patience.pause ?? sleep)(leaseLookMs);
    }
  }

  async shutdownRequested(checkpointer: Checkpointer): Promise<void> {
    await this.#checkpointEnded(checkpointer);
    await this.#asOwner(async (tenure) => {
      if (await this.#inTime(tenure.save())) await checkpointer.all();
    });
  }

  async leaseLost(): Promise<void> {
    if (this.#standing.kind === 'owner') await this.#standing.tenure.abandon();
    this.#standing = { kind: 'fenced', retryAt: Number.POSITIVE_INFINITY };
  }

  /** `startedAt`: KCL's checkpoint when the process begins. */
  async #take(startedAt: Position | undefined): Promise<void> {
    const parts = this.#ready();
    const { shard, table, patience } = parts;
    try {
      const taken = await takeEpoch(table, shard.shardId, patience);
      if (taken === 'notOwner') return this.#fence('the lease row names another worker');
      if (taken.row.final) {
        this.#standing = { kind: 'ended' };
        return;
      }
      this.#standing = { kind: 'owner', tenure: await Tenure.begin(parts, taken, { startedAt, upTo: this.#delivered }) };
      if (startedAt === undefined) shard.log.warn({ event: 'state.returned' }, 'the lease is ours after all: a new epoch was taken');
    } catch (error) {
      if (!isLeaseLost(error)) throw error;
      this.#fence((error as Error).message);
    }
  }

  async #returnIfDue(): Promise<void> {
    const { now } = this.#ready();
    if (this.#standing.kind === 'fenced' && now() >= this.#standing.retryAt) await this.#take(undefined);
  }

  async #checkpointEnded(checkpointer: Checkpointer): Promise<boolean> {
    if (this.#standing.kind !== 'ended') return false;
    await checkpointer.all();
    return true;
  }

  async #asOwner(work: (tenure: Tenure<State, Effect>) => Promise<void>): Promise<void> {
    if (this.#standing.kind !== 'owner') return;
    const { tenure } = this.#standing;
    try {
      await work(tenure);
    } catch (error) {
      if (!isLeaseLost(error)) throw error;
      this.#fence((error as Error).message);
      await tenure.abandon();
    }
  }

  #fence(why: string): void {
    const { shard, now } = this.#ready();
    this.#standing = { kind: 'fenced', retryAt: now() + failoversUntilSettled * shard.failoverTimeMs };
    shard.metrics.count('fenced');
    shard.log.warn({ event: 'state.fenced', why }, `${why}: nothing is written or checkpointed any more`);
  }

  async #inTime(work: Promise<boolean>): Promise<boolean> {
    const { shard } = this.#ready();
    const timer = new AbortController();
    const late = sleep(this.#options.stopSaveMs, false, { signal: timer.signal, ref: false }).catch(() => false);
    try {
      const saved = await Promise.race([work, late]);
      if (!saved)
        shard.log.warn(
          { event: 'state.unsaved' },
          'there was no time for a snapshot, or it could not be read: what came since the last one comes again',
        );
      return saved;
    } finally {
      timer.abort();
      work.catch(() => {});
    }
  }

  #ready(): Parts<State, Effect> {
    if (this.#parts === undefined) throw new PlatformError('INTERNAL', 'an action before initialize');
    return this.#parts;
  }
}
