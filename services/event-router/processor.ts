import type { DeadLetters } from '../lib/deadletter/dead-letters.ts';
import type { BookingEvent } from '../lib/events/booking-event.ts';
import { encodeBookingEvent } from '../lib/events/booking-event-codec.ts';
import { type ChangeRecordOptions, decodeChangeRecord } from '../lib/events/change-record-codec.ts';
import type { Checkpointer, RecordProcessor, ShardContext, StreamRecord } from '../lib/kcl/processor.ts';
import { PlatformError } from '../lib/process/errors.ts';
import type { Producer } from '../lib/producer/producer.ts';

/** A crash repeats what was put since the last checkpoint, and a lease table stands only so many writes. */
const checkpointIntervalMs = 1_000;
/** Dead letters under way at once; a burst of bad records must not open a socket each. */
const maxDeadLettersUnderWay = 16;

export interface RouterOptions {
  readonly producer: Pick<Producer, 'put' | 'flush'>;
  readonly deadLetters: DeadLetters;
  /** Keeps a record that is too large to travel inside its event; resolves when it is stored for good. */
  readonly keepOriginal: (key: string, data: Buffer) => Promise<void>;
  readonly item?: Omit<ChangeRecordOptions, 'keepOriginal'>;
  /** Epoch ms. */
  readonly now: () => number;
}

/**
 * One shard of change records, each decoded and put on, dead-lettered, or dropped with a counted reason. Holds no state: everything
 * delivered is durable (acknowledged by the next stream, or a stored dead letter) before it is checkpointed, and what a crash
 * repeats is dropped downstream by its eventId.
 */
export class EventRouter implements RecordProcessor {
  readonly #options: RouterOptions;
  #shard: ShardContext | undefined;
  #checkpointedAtMs: number;
  #isBehind = false;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#checkpointedAtMs = options.now();
  }

  async initialize(shard: ShardContext): Promise<void> {
    this.#shard = shard;
  }

  async processRecords(batch: { readonly records: readonly StreamRecord[] }, checkpointer: Checkpointer): Promise<void> {
    const deadLetters = new Set<Promise<void>>();
    for (const record of batch.records) {
      await this.#route(record, deadLetters);
      if (deadLetters.size >= maxDeadLettersUnderWay) await Promise.race(deadLetters);
    }
    await Promise.all(deadLetters);

    this.#isBehind ||= batch.records.length > 0;
    const isQuiet = batch.records.length === 0;
    if (this.#isBehind && (isQuiet || this.#options.now() - this.#checkpointedAtMs >= checkpointIntervalMs))
      await this.#checkpoint(checkpointer);
  }

  async shardEnded(checkpointer: Checkpointer): Promise<void> {
    await this.#checkpoint(checkpointer);
  }

  async shutdownRequested(checkpointer: Checkpointer): Promise<void> {
    await this.#checkpoint(checkpointer);
  }

  async leaseLost(): Promise<void> {
    // The next owner puts again whatever was not checkpointed.
  }

  async #checkpoint(checkpointer: Checkpointer): Promise<void> {
    await this.#options.producer.flush();
    const outcome = await checkpointer.all();
    this.#checkpointedAtMs = this.#options.now();
    if (outcome.ok) this.#isBehind = false;
  }

  /** Resolves when the record is on its way; a dead letter is then among those under way. */
  async #route(record: StreamRecord, deadLetters: Set<Promise<void>>): Promise<void> {
    const { metrics } = this.#context;
    const { item, keepOriginal, producer } = this.#options;
    metrics.count('records_received');
    let original: string | undefined;
    const outcome = decodeChangeRecord(record.data, record.approximateArrivalTimestamp, {
      ...item,
      keepOriginal: () => (original = this.#originalKey(record)),
    });
    switch (outcome.kind) {
      case 'ok':
        if (original !== undefined) await keepOriginal(original, record.data);
        await producer.put(toUserRecord(outcome.value));
        metrics.count('events_routed');
        return;
      case 'drop':
        metrics.count('events_dropped', 1, { reason: outcome.reason });
        return;
      case 'deadLetter': {
        metrics.count('records_dead_lettered', 1, { reason: outcome.reason });
        const letter = this.#giveUp(record, outcome.reason, outcome.error);
        deadLetters.add(letter);
        // One that failed stays, for the batch to fail with.
        letter.then(
          () => deadLetters.delete(letter),
          () => undefined,
        );
      }
    }
  }

  #giveUp(record: StreamRecord, reason: string, error: string): Promise<void> {
    const { shardId, streamName } = this.#context;
    return this.#options.deadLetters.put({
      stream: streamName,
      shard: shardId,
      sequenceNumber: record.sequenceNumber,
      subSequenceNumber: record.subSequenceNumber,
      partitionKey: record.partitionKey,
      data: record.data,
      arrivedAt: record.approximateArrivalTimestamp,
      reason,
      error,
    });
  }

  #originalKey(record: StreamRecord): string {
    const { shardId, streamName } = this.#context;
    return `originals/${streamName}/${shardId}/${record.sequenceNumber}-${record.subSequenceNumber}.json`;
  }

  get #context(): ShardContext {
    if (this.#shard === undefined) throw new PlatformError('INTERNAL', 'a processor is initialized before its first record');
    return this.#shard;
  }
}

const toUserRecord = (event: BookingEvent) => ({ partitionKey: event.userId, data: encodeBookingEvent(event) });
