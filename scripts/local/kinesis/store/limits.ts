import { Rate } from './rate.ts';

/** Limits of one shard (service quotas of Kinesis Data Streams). MB is read as MiB, so that a record of 1 MiB can be written at all. */
export const writeBytesPerSecond = 1_048_576;
export const writeRecordsPerSecond = 1_000;
export const readBytesPerSecond = 2_097_152;
export const readCallsPerSecond = 5;

/** 1 MiB (data and keys) and 1,000 records a second, each as `Rate` counts it. A record that fits is taken although one before it did not. */
export class WriteLimit {
  readonly #bytes = new Rate(writeBytesPerSecond);
  readonly #records = new Rate(writeRecordsPerSecond);

  take(nowMs: number, bytes: number): boolean {
    if (!this.#records.allows(nowMs, 1) || !this.#bytes.allows(nowMs, bytes)) return false;
    this.#records.take(nowMs, 1);
    this.#bytes.take(nowMs, bytes);
    return true;
  }
}

/**
 * 5 GetRecords and 2 MiB a second, each as `Rate` counts it. An answer begun within them may be larger than what is left
 * (up to 10 MiB): the shard then refuses reads until 2 MiB/s have caught up. "If a call to GetRecords returns this amount of
 * data [10 MiB], subsequent calls made within the next 5 seconds throw ProvisionedThroughputExceededException" (API reference).
 */
export class ReadLimit {
  readonly #calls = new Rate(readCallsPerSecond);
  readonly #bytes = new Rate(readBytesPerSecond);
  #takenAtMs = 0;

  /** Asked before the read; a refused call does not count. */
  take(nowMs: number): boolean {
    if (!this.#calls.allows(nowMs, 1) || !this.#bytes.allows(nowMs, 1)) return false;
    this.#calls.take(nowMs, 1);
    this.#takenAtMs = nowMs;
    return true;
  }

  /** Told after the read. */
  charge(bytes: number): void {
    this.#bytes.take(this.#takenAtMs, bytes);
  }
}
