import type { Done, WireCheckpointer } from 'aws-kcl';
import pino from 'pino';
import { ShardCheckpointer } from '../../../services/lib/kcl/checkpointer.ts';
import { isAfter, type Position, position, sequenceOf, shardEnd, subSequenceOf, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { RecordProcessor } from '../../../services/lib/kcl/processor.ts';
import { ShardSession } from '../../../services/lib/kcl/shard-session.ts';
import { isPlatformError } from '../../../services/lib/process/errors.ts';
import type { Logger } from '../../../services/lib/process/log.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { UnusableSnapshot } from '../../../services/lib/state/snapshot-objects.ts';
import type { Patience } from '../../../services/lib/state/until-answered.ts';
import type { Actor } from '../scheduler.ts';
import { type RunContext, streamAway, tableAway } from './run-context.ts';
import type { SimShard, SimStream } from './stream.ts';

/** A row of KCL's lease table. */
export interface Lease {
  readonly shardId: string;
  owner: string | undefined;
  /** KCL's concurrency token: who took the lease last. Only that one's checkpoints count. */
  token: number;
  checkpoint: Position;
}

export interface ProcessWorld {
  readonly stream: SimStream;
  readonly application: string;
  readonly streamId: string;
  readonly failoverMs: number;
  /** Time between two deliveries is at most this. */
  readonly tickMs: number;
  processorOf(process: Process): RecordProcessor;
  /** Before KCL takes a checkpoint. */
  judgeCheckpoint(process: Process, at: Position, parameterless: boolean): void;
}

/** Why a process ended by itself. */
export type Ending = 'stopped' | 'leaseLost' | 'shardEnded' | 'failed';

/** One shard's process under one lease, and the daemon's side of its conversation: deliveries, checkpoints, notices. */
export class Process {
  readonly actor: Actor;
  readonly worker: string;
  readonly lease: Lease;
  readonly token: number;
  /** KCL's checkpoint when it began. */
  readonly from: Position;
  readonly log: Logger;
  readonly patience: Patience;
  readonly metrics = new Metrics();
  /** By the daemon, so far. */
  delivered: Position;
  /** No action is under way. */
  idle = false;
  stopAsked = false;
  /** Actions so far. */
  answered = 0;
  /** Deliveries until KCL notices that the lease is gone. */
  unnoticed: number;
  /** Calls of it that did not simply run. */
  faults = 0;
  readonly alarms: string[] = [];
  readonly #run: RunContext;
  readonly #world: ProcessWorld;
  readonly #shard: SimShard;

  constructor(run: RunContext, world: ProcessWorld, lease: Lease, actor: Actor, worker: string) {
    this.#run = run;
    this.#world = world;
    this.#shard = world.stream.shard(lease.shardId);
    this.actor = actor;
    this.worker = worker;
    this.lease = lease;
    this.token = lease.token;
    this.from = lease.checkpoint;
    this.delivered = lease.checkpoint;
    this.unnoticed = run.int(8);
    this.log = pino(
      { level: 'error', base: {}, timestamp: false },
      { write: (line: string) => void this.alarms.push((JSON.parse(line) as { event: string }).event) },
    );
    this.patience = { log: this.log, random: () => run.scheduler.random(), pause: (ms) => run.scheduler.sleep(actor, ms) };
  }

  get isOwner(): boolean {
    return this.lease.token === this.token;
  }

  /** Everything that the shard has was delivered and answered. */
  get caughtUp(): boolean {
    return this.idle && !isAfter(this.#shard.records.at(-1)?.position ?? trimHorizon, this.delivered);
  }

  async live(): Promise<Ending> {
    try {
      return await this.#converse();
    } catch (error) {
      // A process that rejects ends; its launcher starts another.
      if ((isPlatformError(error) && error.retriable) || error instanceof UnusableSnapshot) return 'failed';
      throw error;
    }
  }

  async #converse(): Promise<Ending> {
    const { session, act } = this.#session();
    await act((done) =>
      session.initialize(
        { shardId: this.lease.shardId, sequenceNumber: nameOf(this.from), subSequenceNumber: subSequenceOf(this.from) },
        done,
      ),
    );
    for (;;) {
      if (!this.isOwner && this.unnoticed-- <= 0) {
        await act((done) => session.leaseLost({}, done));
        return 'leaseLost';
      }
      if (this.stopAsked) {
        await act((done) => session.shutdownRequested({ checkpointer: this.#wire(false) }, done));
        return 'stopped';
      }
      const batch = this.#next();
      if (batch.length === 0 && this.#shard.closed) {
        await act((done) => session.shardEnded({ checkpointer: this.#wire(true) }, done));
        return 'shardEnded';
      }
      const records = batch.map(({ data, ...record }) => ({ ...record, data: data.toString('base64') }));
      this.delivered = batch.at(-1)?.position ?? this.delivered;
      await act((done) => session.processRecords({ records, checkpointer: this.#wire(false) }, done));
      this.idle = true;
      await this.#run.scheduler.sleep(this.actor, 1 + this.#run.int(this.#world.tickMs));
      this.idle = false;
    }
  }

  /** Some whole aggregates, or none: an idle delivery. */
  #next(): SimShard['records'] {
    const rest = this.#shard.records.filter(({ position: p }) => isAfter(p, this.delivered) && isAfter(p, this.#shard.trimmedTo));
    if (this.#run.chance(0.2) && !this.#shard.closed) return [];
    const last = rest[Math.min(rest.length - 1, this.#run.int(6))];
    return last === undefined ? [] : rest.filter(({ sequenceNumber }) => Number(sequenceNumber) <= Number(last.sequenceNumber));
  }

  #session(): { session: ShardSession; act: (action: (done: Done) => void) => Promise<void> } {
    const { stream, failoverMs, application, streamId } = this.#world;
    const pause = (ms: number): Promise<void> => this.#run.scheduler.sleep(this.actor, ms);
    let fail: (thrown: unknown) => void = () => {};
    const session = new ShardSession({
      processor: this.#world.processorOf(this),
      checkpointer: new ShardCheckpointer(this.log, this.metrics, pause),
      context: (shardId, shard) => ({
        shardId,
        shard,
        streamName: 'booking-events',
        streamId,
        application,
        workerId: this.worker,
        failoverTimeMs: failoverMs,
        log: this.log,
        metrics: this.metrics,
      }),
      findShard: (id) => this.#run.ask(this.actor, 'find shard', streamAway, () => stream.listed().find(({ shardId }) => shardId === id)),
      metrics: this.metrics,
      events: { onShard() {}, onDone() {}, onFailure: (_action, thrown) => fail(thrown) },
      pause,
    });
    const act = (action: (done: Done) => void): Promise<void> =>
      new Promise((resolve, reject) => {
        fail = reject;
        action(() => {
          this.answered += 1;
          resolve();
        });
      });
    return { session, act };
  }

  /** What the daemon makes of a checkpoint, by the simple names of KCL's Java exceptions. */
  #wire(ending: boolean): WireCheckpointer {
    const set = (sequence: string | null): string | null => {
      const at = sequence === null ? (ending ? shardEnd : this.delivered) : position(sequence);
      if (sequence !== null && isAfter(at, this.delivered)) return 'IllegalArgumentException';
      if (!this.isOwner) return 'ShutdownException';
      if (!isAfter(at, this.lease.checkpoint) && at !== shardEnd) return 'IllegalArgumentException';
      this.#world.judgeCheckpoint(this, at, sequence === null && !ending);
      this.lease.checkpoint = at;
      return null;
    };
    return {
      checkpoint: (sequence, callback) => {
        this.#run
          .ask(this.actor, `checkpoint ${sequence ?? 'all'}`, tableAway, () => set(sequence))
          .then(callback, () => callback('ThrottlingException'));
      },
    };
  }
}

function nameOf(at: Position): string {
  if (at === shardEnd) return 'SHARD_END';
  return sequenceOf(at) ?? 'TRIM_HORIZON';
}
