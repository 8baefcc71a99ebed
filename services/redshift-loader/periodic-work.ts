import { ensureError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { Metrics } from '../lib/process/metrics.ts';
import { type BackoffLimits, backoffMs } from '../lib/producer/backoff.ts';
import type { SideWork } from './side-work.ts';

export interface PeriodicWorkParts {
  /** Metrics and log lines begin with it: `<name>_failures`, `<name>.failed`. */
  readonly name: string;
  readonly run: () => Promise<void>;
  /** At every look of the committer, also while it runs: for figures that age. */
  readonly onLook?: () => void;
  /** From the end of one run to the next (ms). */
  readonly intervalMs: number;
  /** How soon a failure is tried again; 1 s to a minute unless told. */
  readonly retry?: BackoffLimits;
  /** Aborted when the task stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly now: () => number;
  readonly random: () => number;
}

const usualRetry: BackoffLimits = { baseMs: 1_000, capMs: 60_000 };

/** Runs now and then while this task commits, one run at a time. A failure is told and tried again. */
export class PeriodicWork implements SideWork {
  readonly #parts: PeriodicWorkParts;
  #work: Promise<void> | undefined;
  #notBefore = 0;
  #failures = 0;

  constructor(parts: PeriodicWorkParts) {
    this.#parts = parts;
  }

  leading(): void {
    const { now, signal, onLook } = this.#parts;
    onLook?.();
    if (this.#work !== undefined || now() < this.#notBefore || signal.aborted) return;
    this.#work = this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  async idle(): Promise<void> {
    await this.#work;
  }

  async #run(): Promise<void> {
    const { name, run, intervalMs, retry = usualRetry, signal, log, metrics, now, random } = this.#parts;
    try {
      await run();
      this.#failures = 0;
      this.#notBefore = now() + intervalMs;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      this.#notBefore = now() + backoffMs(this.#failures, retry, random);
      log.warn({ event: `${name}.failed`, failures: this.#failures, err: ensureError(error) }, 'it is tried again: commits go on');
    }
    metrics.gauge(`${name}_failures`, this.#failures);
  }
}
