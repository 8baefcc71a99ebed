import { checkSpan } from '../time.ts';

/**
 * Says when an input has been idle for longer than `timeout`. The countdown begins at the first probe without activity since the probe
 * before, and the input is idle when strictly more than the timeout has passed: at worst timeout + 3 probe intervals after its last
 * record (Flink: WatermarksWithIdleness). The time of a probe comes from the caller, in the timeout's unit.
 */
export class IdleTimer {
  readonly #timeout: number;
  #active = false;
  #quietSince: number | undefined;

  constructor(timeout: number) {
    checkSpan('timeout', timeout, 1);
    this.#timeout = timeout;
  }

  activity(): void {
    this.#active = true;
  }

  /** True: idle. */
  probe(now: number): boolean {
    if (this.#active) {
      this.#active = false;
      this.#quietSince = undefined;
      return false;
    }
    this.#quietSince ??= now;
    return now - this.#quietSince > this.#timeout;
  }
}
