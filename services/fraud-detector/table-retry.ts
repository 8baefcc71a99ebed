import { setTimeout as delay } from 'node:timers/promises';
import { canPass } from '../lib/process/aws-errors.ts';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import { Metrics } from '../lib/process/metrics.ts';
import { backoffMs } from '../lib/producer/backoff.ts';

export interface RetryOptions {
  readonly metrics?: Metrics;
  readonly log?: Logger;
  /** Resolves after `ms`; rejects when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal | undefined) => Promise<unknown>;
  readonly random?: () => number;
}

const limits = { baseMs: 100, capMs: 5_000 };
/** About every half a minute of an outage. */
const logEvery = 10;

/** Calls of one table, again until they succeed: throttles, conflicts, server faults, no answer. Counted as alert_store_retries. */
export class TableRetry {
  readonly #table: string;
  readonly #metrics: Metrics;
  readonly #log: Logger | undefined;
  readonly #pause: NonNullable<RetryOptions['pause']>;
  readonly #random: () => number;

  constructor(table: string, options: RetryOptions) {
    this.#table = table;
    this.#metrics = options.metrics ?? new Metrics();
    this.#log = options.log;
    this.#pause = options.pause ?? ((ms, signal) => delay(ms, undefined, { signal }));
    this.#random = options.random ?? Math.random;
  }

  get metrics(): Metrics {
    return this.#metrics;
  }

  /** Ends only by success, by an error that no retry can cure, or by the signal: then rejects with TABLE_UNAVAILABLE. */
  async call<T>(what: string, attempt: (signal: AbortSignal | undefined) => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt(signal);
      } catch (cause) {
        if (!canPass(cause)) throw this.#unavailable(what, false, cause);
        await this.wait(what, attempts, cause, signal);
      }
    }
  }

  /** The pause before the next attempt. */
  async wait(what: string, attempts: number, cause: unknown, signal?: AbortSignal): Promise<void> {
    this.#metrics.count('alert_store_retries');
    if (attempts % logEvery === 0) {
      const fields = { event: 'alert.store.retried', attempts, err: ensureError(cause) };
      this.#log?.warn(fields, `cannot ${what} in ${this.#table}, it is tried again`);
    }
    try {
      await this.#pause(backoffMs(attempts, limits, this.#random), signal);
    } catch {
      throw this.#unavailable(what, true, cause);
    }
  }

  #unavailable(what: string, retriable: boolean, cause: unknown): PlatformError {
    return new PlatformError('TABLE_UNAVAILABLE', `cannot ${what} in ${this.#table}: ${ensureError(cause).name}`, { retriable, cause });
  }
}
