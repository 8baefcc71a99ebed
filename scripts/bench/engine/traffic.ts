import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';

export const users = 200_000;
export const tours = 5_000;
export const eventsPerSecond = 5_000;
export const disorderMs = 2_000;
const startMs = Date.UTC(2026, 5, 1);
/** Of a hundred events. */
const cancelledPercent = 25;
/** One event in so many comes again. */
const duplicateEvery = 500;
const documentBytes = 1_024;
/** With these a document has 35 fields, as a booking of a real site has. */
const extraFields = 21;

/** Booking events in the order of their arrival, up to 2 s out of order: the same for the same seed, made in chunks. */
export class Traffic {
  #random: number;
  #made = 0;
  readonly #hex = Buffer.alloc(16);

  constructor(seed: number) {
    this.#random = seed | 0;
  }

  /** As JSON.parse makes them, so that their strings are what an engine gets. */
  chunk(events: number): BookingEvent[] {
    const parts: string[] = [];
    for (let i = 0; i < events; i++) {
      parts.push(i % duplicateEvery === duplicateEvery - 1 ? (parts[i - (this.#below(i) + 1)] as string) : this.#event());
    }
    return JSON.parse(`[${parts.join(',')}]`) as BookingEvent[];
  }

  /** Events of 1 KB each, as bytes. */
  documents(events: number): Buffer[] {
    return this.chunk(events).map((event) => documentOf(event));
  }

  #event(): string {
    const occurredAt = startMs + Math.floor((this.#made++ * 1_000) / eventsPerSecond) - this.#below(disorderMs + 1);
    const user = String(this.#below(users)).padStart(9, '0');
    const tour = String(this.#below(tours)).padStart(4, '0');
    const type = this.#below(100) < cancelledPercent ? 'cancelled' : 'reserved';
    for (let word = 0; word < 4; word++) this.#hex.writeInt32LE(this.#next(), 4 * word);
    const eventId = this.#hex.toString('hex');
    return `{"schemaVersion":1,"eventId":"${eventId}","type":"${type}","bookingId":"b-${eventId.slice(0, 12)}","version":1,"userId":"user-${user}","tourId":"tour-${tour}","occurredAt":${occurredAt},"seats":2,"amountMinor":18900,"currency":"EUR","channel":"web","source":"dynamodb"}`;
  }

  #below(limit: number): number {
    return Math.floor(((this.#next() >>> 0) / 4_294_967_296) * limit);
  }

  /** mulberry32 (T. Ettinger, public domain). */
  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return t ^ (t >>> 14);
  }
}

function documentOf(event: BookingEvent): Buffer {
  const extra: Record<string, string> = {};
  const fixed = JSON.stringify({
    ...event,
    extra: Object.fromEntries(Array.from({ length: extraFields }, (_, i) => [`field${i}`, ''])),
  }).length;
  const each = Math.floor((documentBytes - fixed) / extraFields);
  const rest = documentBytes - fixed - each * extraFields;
  for (let i = 0; i < extraFields; i++) extra[`field${i}`] = 'x'.repeat(each + (i < rest ? 1 : 0));
  return Buffer.from(JSON.stringify({ ...event, extra }));
}
