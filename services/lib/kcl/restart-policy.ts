const firstDelayMs = 500;
const maxDelayMs = 30_000;
/** A daemon that lived this long was healthy: its end is a new story. */
const healthyAfterMs = 120_000;

/**
 * How long to wait before the daemon is started again: doubling from half a second to half a minute, without end.
 * Giving up would only move the same fault to another task; the alarm on `daemon_restarts` calls a person.
 */
export class RestartPolicy {
  #failures = 0;

  /** Restarts in a row without a healthy time between them. */
  get failures(): number {
    return this.#failures;
  }

  /** The pause (ms) after a daemon that lived for `livedMs`. */
  nextDelay(livedMs: number): number {
    if (livedMs >= healthyAfterMs) this.#failures = 0;
    this.#failures += 1;
    return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.#failures - 1, 16));
  }
}
