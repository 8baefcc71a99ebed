import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import type { Outcome } from '../../../services/lib/events/outcome.ts';
import { isAfter, type Position, position, shardEnd, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import type { Actor } from '../scheduler.ts';
import type { Scenario } from './scenario.ts';

export interface ShardOfWorld {
  readonly shardId: string;
  readonly parent: ShardOfWorld | undefined;
  readonly records: readonly StreamRecord[];
  checkpoint: Position;
  /** Only its checkpoints count: KCL refuses those of a worker that lost the lease. */
  owner: Actor | undefined;
}

/** Fits no INTEGER. The contract lets no such event through, so it becomes one on its way out of the codec. */
const tooManySeats = 3_000_000_000;

/** Records with repeats (of their shard and of others), aggregates, records that nobody can read, and events that COPY refuses. */
export class Streams {
  readonly shards: readonly ShardOfWorld[];
  /** By event id; without the refused ones. */
  readonly events = new Map<string, BookingEvent>();
  /** Dead letters there must be. */
  readonly broken = new Set<string>();
  /** Event ids of the lines that COPY refuses, one for each record. */
  readonly refused: string[] = [];
  readonly #poison = new Set<string>();
  readonly #random: () => number;
  readonly #scenario: Scenario;
  readonly #streamId: string;

  constructor(scenario: Scenario, streamId: string, random: () => number) {
    this.#scenario = scenario;
    this.#streamId = streamId;
    this.#random = random;
    const roots = Array.from({ length: scenario.shards }, (_, s) => this.#shard(`shard-${s}`, undefined));
    const children = Array.from({ length: scenario.children }, (_, c) => this.#shard(`shard-${c}-child`, roots[c % roots.length]));
    this.shards = [...roots, ...children];
  }

  readonly decode = (data: Buffer, key: string, at: number): Outcome<BookingEvent> => {
    const outcome = decodeBookingEvent(data, key, at);
    return outcome.kind === 'ok' && this.#poison.has(outcome.value.eventId)
      ? { kind: 'ok', value: { ...outcome.value, seats: tooManySeats } }
      : outcome;
  };

  /** Of one shard, in (after, upTo], in arrays of two. */
  async *read(shardId: string, after: Position, upTo: Position): AsyncGenerator<readonly StreamRecord[]> {
    const all = this.shards.find((shard) => shard.shardId === shardId)?.records ?? [];
    const wanted = all.filter((record) => isAfter(record.position, after) && !isAfter(record.position, upTo));
    for (let at = 0; at < wanted.length; at += 2) yield wanted.slice(at, at + 2);
  }

  #shard(shardId: string, parent: ShardOfWorld | undefined): ShardOfWorld {
    const records: StreamRecord[] = [];
    let sequence = parent === undefined ? 0 : 1_000;
    let sub = 0;
    while (records.length < this.#scenario.recordsPerShard) {
      if (this.#random() < 0.5) sub += 1;
      else [sequence, sub] = [sequence + 1, 0];
      if (sequence === 0) continue;
      records.push(this.#record(shardId, String(sequence), sub));
    }
    return { shardId, parent, records, checkpoint: trimHorizon, owner: undefined };
  }

  #record(shardId: string, sequenceNumber: string, subSequenceNumber: number): StreamRecord {
    const event = this.#event();
    const readable = this.#random() > 0.1;
    if (!readable) this.broken.add(`deadletter/redshift-loader/booking-events/${shardId}/${sequenceNumber}-${subSequenceNumber}.json`);
    else if (this.#poison.has(event.eventId)) this.refused.push(event.eventId);
    else this.events.set(event.eventId, event);
    return {
      data: readable ? encodeBookingEvent(event) : Buffer.from('{'),
      partitionKey: event.userId,
      sequenceNumber,
      subSequenceNumber,
      position: position(sequenceNumber, subSequenceNumber),
      approximateArrivalTimestamp: event.occurredAt,
    };
  }

  #event(): BookingEvent {
    const random = this.#random;
    const known = [...this.events.values()];
    const again = known[Math.floor(random() * known.length)];
    if (again !== undefined && random() < 0.3) return again;
    const event = bookingEventOf(`${this.#streamId}-b${Math.floor(random() * 12)}`, 1 + Math.floor(random() * 50));
    if (!this.events.has(event.eventId) && random() < this.#scenario.poison) this.#poison.add(event.eventId);
    return event;
  }
}

export const hasEnded = (shard: ShardOfWorld): boolean => shard.checkpoint === shardEnd;
