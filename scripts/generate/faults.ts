import { eventTypes } from '../../services/lib/events/booking-event.ts';
import type { Change } from './booking.ts';
import { bookingAfter, canonicalEvent, contractEventId } from './canonical.ts';
import { encodeChange } from './change-record.ts';
import { Heap } from './heap.ts';
import { type MalformedKind, malform, malformedKinds } from './malformed.ts';
import type { Label, PlannedRecord } from './planned-record.ts';
import { createRandom, type Random } from './random.ts';

/** Shares are 0 to 1 of the honest changes; planted episodes are never late, ahead or malformed. */
export interface Faults {
  readonly duplicates: number;
  /** Half of the records are sent up to this much later than they happened, ms. */
  readonly disorderMs: number;
  readonly late: number;
  readonly future: number;
  readonly malformed: number;
}

export const noFaults: Faults = { duplicates: 0, disorderMs: 0, late: 0, future: 0, malformed: 0 };
/** Beyond `lateness` (15 min) plus `disorder` (30 s) of the rules: loaded, but not counted by them. */
export const lateByMs = 20 * 60_000;
/** Beyond `maxAhead` (5 min) of the rules. */
export const futureByMs = 10 * 60_000;
const delayedShare = 0.5;
const duplicateAfterMs = [20, 3_000] as const;
const junkEveryMs = 10_000;
const firstJunkAfterMs = 4_000;
/** One in this many malformed records is a good event under a wrong key, straight on the stream behind the router. */
const wrongKeyEvery = 12;

const smallKinds = malformedKinds.filter((kind) => kind !== 'junk-1mb');

export interface PlanOptions {
  readonly seed: number;
  /** `events`: the canonical events behind the router, keyed by user; nothing is malformed then. @default changes */
  readonly format?: 'changes' | 'events';
  readonly startMs: number;
  readonly endMs: number;
  readonly faults: Faults;
}

/** The records to send, in the order to send them. Deterministic for the same changes and options. */
export function* planRecords(changes: Iterable<Change>, options: PlanOptions): Generator<PlannedRecord, void, void> {
  const { faults, endMs } = options;
  const random = createRandom(options.seed, 'faults');
  const waiting = new Heap<Omit<PlannedRecord, 'sendAt'>>();
  const breaker = new Breaker(options, random);

  const take = function* (upTo: number): Generator<PlannedRecord, void, void> {
    while (waiting.size > 0 && waiting.firstKey <= upTo) {
      const sendAt = Math.min(waiting.firstKey, endMs);
      const record = waiting.pop();
      if (record) yield { ...record, sendAt };
    }
  };

  for (const change of changes) {
    yield* take(change.at);
    const spared = change.episode !== undefined;
    if (!spared && options.format !== 'events' && random.chance(faults.malformed)) {
      waiting.push(change.at, breaker.break(change));
      continue;
    }
    const record = goodRecord(change, options, random, spared);
    if (record === undefined) continue;
    const delay = faults.disorderMs > 0 && random.chance(delayedShare) ? random.integer(1, faults.disorderMs) : 0;
    const sendAt = change.at + delay;
    waiting.push(sendAt, delay > 0 ? withLabel(record, { disordered: true }) : record);
    if (random.chance(faults.duplicates)) {
      waiting.push(sendAt + random.integer(...duplicateAfterMs), withLabel(record, { duplicate: true }));
    }
  }
  yield* take(Number.POSITIVE_INFINITY);
}

type Unsent = Omit<PlannedRecord, 'sendAt'>;
const withLabel = (record: Unsent, more: Partial<Label>): Unsent => ({ ...record, label: { ...record.label, ...more } });

/** Undefined for a change that has no canonical event. */
function goodRecord(change: Change, { faults, format }: PlanOptions, random: Random, spared: boolean): Unsent | undefined {
  const hasOwnTime = change.after !== undefined && change.means !== 'no-op';
  const late = !spared && hasOwnTime && random.chance(faults.late);
  const future = !spared && hasOwnTime && !late && random.chance(faults.future);
  const shift = late ? -lateByMs : future ? futureByMs : 0;
  const event = canonicalEvent(change, shift);
  const mark = { ...(late && { late }), ...(future && { future }), ...(change.episode !== undefined && { episode: change.episode }) };
  const label: Label = event
    ? { expect: 'routed', eventIds: [event.eventId], event, ...mark }
    : { expect: 'dropped', eventIds: idsOf(change) };
  if (format === 'events') {
    return event && { target: 'events', partitionKey: event.userId, data: Buffer.from(JSON.stringify(event)), label };
  }
  const { record, partitionKey } = encodeChange(change, random, shift);
  return { target: 'changes', partitionKey, data: Buffer.from(JSON.stringify(record)), label };
}

function idsOf(change: Change): string[] {
  const booking = bookingAfter(change);
  return booking === undefined ? [] : eventTypes.map((type) => contractEventId(booking.bookingId, booking.version, type));
}

/** Turns honest changes into broken records, each kind in its turn. */
class Breaker {
  readonly #random: Random;
  #nextJunk: number;
  #broken = 0;

  constructor(options: PlanOptions, random: Random) {
    this.#random = random;
    this.#nextJunk = options.startMs + firstJunkAfterMs;
  }

  break(change: Change): Unsent {
    const broken = this.#broken++;
    const { record, partitionKey } = encodeChange(change, this.#random);
    const event = canonicalEvent(change);
    if (event && broken % wrongKeyEvery === wrongKeyEvery - 1) {
      const label: Label = { expect: 'dead-lettered', eventIds: [event.eventId], malformed: 'wrong-key' };
      return { target: 'events', partitionKey: `not-${event.userId}`, data: Buffer.from(JSON.stringify(event)), label };
    }
    const kind = this.#kind(change.at, broken);
    const data = malform(kind, record, partitionKey, this.#random);
    return { target: 'changes', partitionKey, data, label: { expect: 'dead-lettered', eventIds: [], malformed: kind } };
  }

  #kind(at: number, broken: number): MalformedKind {
    if (at >= this.#nextJunk) {
      this.#nextJunk = at + junkEveryMs;
      return 'junk-1mb';
    }
    return smallKinds[broken % smallKinds.length] ?? 'cut-off';
  }
}
