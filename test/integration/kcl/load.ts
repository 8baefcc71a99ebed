import { setTimeout as delay } from 'node:timers/promises';
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { dataOf } from './evidence.ts';

const recordBytes = 1_024;
const recordsPerPut = 5;
const lanes = 10;
const tickMs = 10;
const retryMs = 50;

/**
 * A steady load of open end: what is due by the clock is put, however long answers take, so that a slow server shows as latency.
 * Each lane has keys of its own, one record of each in a put, and one put under way: what is refused can be put again without
 * another record of its key having passed it.
 */
export class Load {
  readonly #client: KinesisClient;
  readonly #streamName: string;
  readonly #next: () => number;
  readonly #lanes: Promise<void>[] = Array.from({ length: lanes }, () => Promise.resolve());
  readonly #timer: NodeJS.Timeout;
  #puts = 0;
  #failure: unknown;
  /** Records that the stream refused at first. */
  throttled = 0;

  constructor(options: {
    readonly client: KinesisClient;
    readonly streamName: string;
    readonly recordsPerSecond: number;
    /** The number of the next record. */
    readonly next: () => number;
  }) {
    this.#client = options.client;
    this.#streamName = options.streamName;
    this.#next = options.next;
    const startedAt = performance.now();
    const putsPerMs = options.recordsPerSecond / recordsPerPut / 1_000;
    this.#timer = setInterval(() => {
      for (const due = Math.floor((performance.now() - startedAt) * putsPerMs); this.#puts < due; ) this.#put(this.#puts++ % lanes);
    }, tickMs);
  }

  /** Resolves when all that was begun is in the stream; rejects when a put failed for good. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#lanes);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #put(lane: number): void {
    const putAt = Date.now();
    const records = Array.from({ length: recordsPerPut }, (_, i) => ({
      PartitionKey: `key-${lane * recordsPerPut + i}`,
      Data: dataOf(this.#next(), putAt, recordBytes),
    }));
    this.#lanes[lane] = this.#lanes[lane]!.then(() => this.#send(records)).catch((thrown: unknown) => {
      this.#failure ??= thrown;
    });
  }

  async #send(records: readonly { readonly PartitionKey: string; readonly Data: Buffer }[]): Promise<void> {
    for (let rest = [...records]; ; await delay(retryMs)) {
      const answer = await this.#client.send(new PutRecordsCommand({ StreamName: this.#streamName, Records: rest }));
      rest = rest.filter((_, i) => answer.Records?.[i]?.ErrorCode !== undefined);
      if (rest.length === 0) return;
      this.throttled += rest.length;
    }
  }
}
