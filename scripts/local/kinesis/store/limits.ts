/** Limits of one shard (service quotas of Kinesis Data Streams). MB is read as MiB, so that a record of 1 MiB can be written at all. */
export const writeBytesPerSecond = 1_048_576;
export const writeRecordsPerSecond = 1_000;
export const readBytesPerSecond = 2_097_152;
export const readCallsPerSecond = 5;

const secondMs = 1_000;

/** Seconds counted from first use: steady under steady load, begun anew after an idle second or when the clock goes back. */
export class Seconds {
  #startMs = Number.NEGATIVE_INFINITY;

  /** True when `nowMs` lies in another second than the call before. */
  advance(nowMs: number): boolean {
    const elapsed = nowMs - this.#startMs;
    if (elapsed >= 0 && elapsed < secondMs) return false;
    this.#startMs = elapsed >= secondMs && elapsed < 2 * secondMs ? this.#startMs + secondMs : nowMs;
    return true;
  }

  get startMs(): number {
    return this.#startMs;
  }
}

/** 1 MiB (data and keys) and 1,000 records in each second. A record that fits is taken although one before it did not. */
export class WriteLimit {
  readonly #seconds = new Seconds();
  #bytes = 0;
  #records = 0;

  take(nowMs: number, bytes: number): boolean {
    if (this.#seconds.advance(nowMs)) {
      this.#bytes = 0;
      this.#records = 0;
    }
    if (this.#records >= writeRecordsPerSecond || this.#bytes + bytes > writeBytesPerSecond) return false;
    this.#bytes += bytes;
    this.#records += 1;
    return true;
  }
}

/**
 * 5 GetRecords and 2 MiB in each second. An answer may exceed the rest of its second (up to 10 MiB); the shard then refuses
 * reads until 2 MiB/s have caught up: 5 s after 10 MiB, as the API reference says of GetRecords.
 */
export class ReadLimit {
  readonly #seconds = new Seconds();
  #calls = 0;
  #bytes = 0;
  #blockedUntilMs = Number.NEGATIVE_INFINITY;

  /** Asked before the read; a refused call does not count. */
  take(nowMs: number): boolean {
    if (nowMs < this.#blockedUntilMs) return false;
    if (this.#seconds.advance(nowMs)) {
      this.#calls = 0;
      this.#bytes = 0;
    }
    if (this.#calls >= readCallsPerSecond) return false;
    this.#calls += 1;
    return true;
  }

  /** Told after the read. */
  charge(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < readBytesPerSecond) return;
    this.#blockedUntilMs = this.#seconds.startMs + (this.#bytes / readBytesPerSecond) * secondMs;
  }
}
