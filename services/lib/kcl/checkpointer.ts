import { setTimeout as delay } from 'node:timers/promises';
import type { WireCheckpointer } from 'aws-kcl';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from './position.ts';
import type { Checkpointer, CheckpointOutcome } from './processor.ts';

/** Java exceptions by what they mean to a processor (KCL: checkpoint/ShardRecordProcessorCheckpointer.java). */
const retried = new Set(['ThrottlingException', 'KinesisClientLibDependencyException', 'KinesisClientLibDependency']);
const outOfBounds = new Set(['InvalidStateException', 'IllegalArgumentException']);
const leaseGone = 'ShutdownException';

/** 0.1 + 0.2 + … + 3.2 = 6.3 s: within a failover time of 10 s, so that a slow table does not cost the lease as well. */
const maxAttempts = 7;
const firstBackoffMs = 100;

const failed = (reason: 'bounds' | 'lost' | 'failed', error: string): CheckpointOutcome => ({ ok: false, reason, error });

/**
 * Checkpoints through the daemon, one at a time, and only while an action is being answered: the daemon reads a
 * checkpoint that comes later as part of the next action, which on an idle shard may never come.
 */
export class ShardCheckpointer implements Checkpointer {
  readonly #log: Logger;
  readonly #metrics: Metrics;
  readonly #pause: (ms: number) => Promise<unknown>;
  #last: Position = trimHorizon;
  #delivered: Position = trimHorizon;
  #wire: WireCheckpointer | undefined;
  #ending = false;
  #queue: Promise<unknown> = Promise.resolve();
  #lastFailure: 'bounds' | 'lost' | 'failed' | undefined;

  constructor(log: Logger, metrics: Metrics, pause: (ms: number) => Promise<unknown> = delay) {
    this.#log = log;
    this.#metrics = metrics;
    this.#pause = pause;
  }

  get last(): Position {
    return this.#last;
  }

  /** Why the newest checkpoint of the action under way was not made; undefined when it was, or none was tried. */
  get lastFailure(): 'bounds' | 'lost' | 'failed' | undefined {
    return this.#lastFailure;
  }

  /** Where KCL resumes the shard. */
  initialize(checkpoint: Position): void {
    this.#last = checkpoint;
    this.#delivered = checkpoint;
  }

  /** An action begins: checkpoints are legal until `close`. `delivered`: the last record it brought. */
  open(wire: WireCheckpointer, options: { readonly delivered?: Position | undefined; readonly shardEnded?: boolean } = {}): void {
    this.#wire = wire;
    this.#ending = options.shardEnded ?? false;
    this.#lastFailure = undefined;
    if (options.delivered !== undefined && isAfter(options.delivered, this.#delivered)) this.#delivered = options.delivered;
  }

  /** The action is about to be answered. Resolves when no checkpoint is under way any more. */
  async close(): Promise<void> {
    const last = this.#queue;
    await last;
    this.#wire = undefined;
  }

  all(): Promise<CheckpointOutcome> {
    return this.#inTurn(async (wire) => {
      if (!this.#ending && !isAfter(this.#delivered, this.#last)) {
        this.#metrics.count('checkpoints', 1, { outcome: 'skipped' });
        return { ok: true };
      }
      const target = this.#ending ? shardEnd : this.#delivered;
      return this.#attempt(wire, null, target);
    });
  }

  at(sequenceNumber: string): Promise<CheckpointOutcome> {
    return this.#inTurn(async (wire) => {
      const target = position(sequenceNumber, 0);
      if (!isAfter(target, this.#last)) {
        this.#metrics.count('checkpoints', 1, { outcome: 'skipped' });
        return failed('bounds', `${sequenceNumber} is not beyond the last checkpoint`);
      }
      return this.#attempt(wire, sequenceNumber, target);
    });
  }

  #inTurn(checkpoint: (wire: WireCheckpointer) => Promise<CheckpointOutcome>): Promise<CheckpointOutcome> {
    const turn = this.#queue.then(async () => {
      if (this.#wire === undefined) return failed('failed', 'no action is being answered: a checkpoint is not possible now');
      return checkpoint(this.#wire);
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #attempt(wire: WireCheckpointer, sequenceNumber: string | null, target: Position): Promise<CheckpointOutcome> {
    for (let attempt = 1; ; attempt++) {
      const error = await new Promise<string | null | undefined>((resolve) => wire.checkpoint(sequenceNumber, resolve));
      if (!error) {
        this.#last = target;
        this.#lastFailure = undefined;
        this.#metrics.count('checkpoints', 1, { outcome: 'ok' });
        return { ok: true };
      }
      if (error === leaseGone) return this.#refused('lost', error);
      if (outOfBounds.has(error)) return this.#refused('bounds', error);
      if (!retried.has(error) || attempt === maxAttempts) return this.#refused('failed', error);
      this.#metrics.count('checkpoints', 1, { outcome: 'retried' });
      await this.#pause(firstBackoffMs * 2 ** (attempt - 1));
    }
  }

  #refused(reason: 'bounds' | 'lost' | 'failed', error: string): CheckpointOutcome {
    this.#lastFailure = reason;
    this.#metrics.count('checkpoints', 1, { outcome: reason });
    this.#log.warn({ event: 'checkpoint.refused', reason, error }, `checkpoint not made: ${error}`);
    return failed(reason, error);
  }
}
