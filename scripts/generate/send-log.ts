import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Label } from './planned-record.ts';

/** One acknowledged put: where the record lies, what it was, and what must become of it. */
export interface SentRecord {
  readonly stream: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  /** Hex, of the data. */
  readonly sha256: string;
  /** When it was due, and when Kinesis had answered; epoch ms. */
  readonly sendAt: number;
  readonly answeredAt: number;
  readonly label: Label;
}

/** The generator's own evidence. A judged run keeps it in memory; a file gets one JSON line a record. */
export class SendLog {
  readonly #kept: SentRecord[] | undefined;
  readonly #file: WriteStream | undefined;
  #failure: Error | undefined;

  constructor(options: { readonly keep: boolean; readonly file: string | undefined }) {
    this.#kept = options.keep ? [] : undefined;
    if (options.file !== undefined) {
      this.#file = createWriteStream(options.file);
      this.#file.on('error', (error) => (this.#failure = error));
    }
  }

  get records(): readonly SentRecord[] {
    return this.#kept ?? [];
  }

  /** Throws what stopped the file from being written. */
  add(record: SentRecord): void {
    if (this.#failure) throw this.#failure;
    this.#kept?.push(record);
    this.#file?.write(`${JSON.stringify(record)}\n`);
  }

  async close(): Promise<void> {
    if (!this.#file || this.#failure) return;
    this.#file.end();
    await once(this.#file, 'close');
  }
}
