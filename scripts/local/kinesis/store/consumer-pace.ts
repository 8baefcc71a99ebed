import { readBytesPerSecond } from './limits.ts';
import { Rate } from './rate.ts';

/** Shorter waits would send single records, each in an event of its own; it is too short for `Rate` to lose any of the beat. */
const shortestWaitMs = 50;

/**
 * What one consumer may be sent of one shard: 2 MB a second (RegisterStreamConsumer, API reference), as `Rate` counts it and
 * beside what GetRecords reads. A record larger than what is left may go, and is paid back by those that follow.
 */
export class Pace {
  readonly #rate = new Rate(readBytesPerSecond);

  /** Bytes that may go now. */
  allowance(nowMs: number): number {
    return this.#rate.free(nowMs);
  }

  /** When to ask again that was allowed nothing, epoch ms. */
  nextMs(nowMs: number): number {
    return nowMs + Math.max(shortestWaitMs, this.#rate.waitMs(nowMs));
  }

  charge(nowMs: number, bytes: number): void {
    this.#rate.take(nowMs, bytes);
  }
}
