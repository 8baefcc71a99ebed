import { PlatformError } from '../process/errors.ts';
import type { Metrics } from '../process/metrics.ts';
import type { UserRecord } from './aggregation.ts';
import { type BufferedRecord, buffered } from './lanes.ts';

/** Kinesis takes 1 MiB a record unless the stream allows more, keys included, and keys of 256 characters (PutRecords, API reference). */
const maxRecordBytes = 1_048_576;
const maxKeyLength = 256;

interface Waiting {
  readonly record: BufferedRecord;
  readonly resolve: () => void;
  readonly reject: (error: PlatformError) => void;
}

interface Flush {
  /** Records with a lower sequence are meant. */
  readonly before: number;
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: PlatformError) => void;
}

export interface BufferLimits {
  readonly maxBufferedBytes: number;
  readonly maxBufferedRecords: number;
}

/** Counts what is unacknowledged: who may put, who waits, which flush is done. */
export class Buffering {
  readonly #limits: BufferLimits;
  readonly #metrics: Metrics;
  readonly #admit: (record: BufferedRecord) => void;
  readonly #waiting: Waiting[] = [];
  readonly #flushes = new Set<Flush>();
  #nextSequence = 0;
  #urgentBefore = 0;
  #records = 0;
  #bytes = 0;
  #failure: PlatformError | undefined;

  constructor(limits: BufferLimits, metrics: Metrics, admit: (record: BufferedRecord) => void) {
    this.#limits = limits;
    this.#metrics = metrics;
    this.#admit = admit;
  }

  get failure(): PlatformError | undefined {
    return this.#failure;
  }

  get idle(): boolean {
    return this.#records === 0;
  }

  async accept(record: UserRecord, nowMs: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const keyBytes = Buffer.byteLength(record.partitionKey);
    if (record.partitionKey.length === 0 || record.partitionKey.length > maxKeyLength || record.data.length + keyBytes > maxRecordBytes) {
      throw new PlatformError('PUT_FAILED', `Kinesis takes no record of ${record.data.length} bytes with a key of ${keyBytes} bytes`);
    }
    const entry = buffered(record, this.#nextSequence++, nowMs);
    this.#metrics.count('UserRecordsReceived');
    if (this.#waiting.length === 0 && this.#hasRoom(entry)) {
      this.#enter(entry);
      return;
    }
    await new Promise<void>((resolve, reject) => this.#waiting.push({ record: entry, resolve, reject }));
  }

  acknowledge(records: readonly BufferedRecord[]): void {
    for (const record of records) {
      this.#records--;
      this.#bytes -= record.size;
      for (const flush of this.#flushes) {
        if (record.sequence < flush.before && --flush.left === 0) {
          this.#flushes.delete(flush);
          flush.resolve();
        }
      }
    }
    this.#metrics.count('UserRecordsPut', records.length);
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.record); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#enter(next.record);
      next.resolve();
    }
    this.#metrics.gauge('UserRecordsPending', this.#records);
  }

  /** Resolves when all that was put before is acknowledged. Until then those records do not linger. */
  async flushed(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const left = this.#records + this.#waiting.length;
    this.#urgentBefore = this.#nextSequence;
    if (left === 0) return;
    await new Promise<void>((resolve, reject) => this.#flushes.add({ before: this.#nextSequence, left, resolve, reject }));
  }

  isUrgent(record: BufferedRecord): boolean {
    return record.sequence < this.#urgentBefore;
  }

  /** For good. */
  fail(error: PlatformError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const waiter of [...this.#waiting.splice(0), ...this.#flushes]) waiter.reject(error);
    this.#flushes.clear();
  }

  #enter(record: BufferedRecord): void {
    this.#records++;
    this.#bytes += record.size;
    this.#metrics.gauge('UserRecordsPending', this.#records);
    this.#admit(record);
  }

  /** One record always fits, so that no limit can stop the producer. */
  #hasRoom(record: BufferedRecord): boolean {
    if (this.#records === 0) return true;
    return this.#records < this.#limits.maxBufferedRecords && this.#bytes + record.size <= this.#limits.maxBufferedBytes;
  }
}
