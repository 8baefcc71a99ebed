import { readBytesPerSecond, Seconds } from './limits.ts';

/** Enhanced fan-out, developer guide: up to 2 MB/s per consumer and shard, beside and not out of what GetRecords may read. */
const bytesPerSecond = readBytesPerSecond;
const secondMs = 1_000;

/**
 * 2 MiB in each second, counted as the shard's other limits are: from first use on, so that a burst after a pause gets one
 * second's worth. A record larger than what is left of a second may still go, and is paid back in the next.
 */
export class Pace {
  readonly #seconds = new Seconds();
  #spent = 0;

  /** Bytes that may go now; 0: none before `nextMs`. */
  allowance(nowMs: number): number {
    const before = this.#seconds.startMs;
    if (this.#seconds.advance(nowMs)) {
      const passed = Math.max(1, Math.floor((nowMs - before) / secondMs));
      this.#spent = Math.max(0, this.#spent - passed * bytesPerSecond);
    }
    return Math.max(0, bytesPerSecond - this.#spent);
  }

  charge(bytes: number): void {
    this.#spent += bytes;
  }

  /** Epoch ms of the next second. */
  get nextMs(): number {
    return this.#seconds.startMs + secondMs;
  }
}
