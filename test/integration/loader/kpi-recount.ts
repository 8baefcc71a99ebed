import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';

/** The measures of the KPI views, as the wire shows them: whole numbers as text. */
export interface Measures {
  readonly reserved: string;
  readonly cancelled: string;
  readonly changed: string;
  readonly expired: string;
  readonly seats_reserved: string;
  readonly seats_cancelled: string;
  readonly seats_net: string;
  readonly gross_minor: string;
  readonly cancelled_minor: string;
  readonly net_minor: string;
  readonly cancellation_rate: number | null;
  readonly average_booking_minor: number | null;
  readonly average_seat_minor: number | null;
}

const hourMs = 3_600_000;
const stepMs = 900_000;

/** What the views must show, from the events alone: nothing of the product is used. One entry per key, the key's parts joined by `|`. */
export class Recount {
  readonly #events: readonly BookingEvent[];
  readonly #zone: Intl.DateTimeFormat;

  constructor(events: readonly BookingEvent[], timeZone: string) {
    this.#events = [...new Map(events.map((event) => [event.eventId, event])).values()];
    this.#zone = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  }

  daily = (): Map<string, Measures> => this.#by((event) => [this.#day(event.occurredAt)]);
  byTour = (): Map<string, Measures> => this.#by((event) => [this.#day(event.occurredAt), event.tourId]);
  byChannel = (): Map<string, Measures> => this.#by((event) => [this.#day(event.occurredAt), event.channel]);
  byHour = (): Map<string, Measures> => this.#by((event) => [this.#day(event.occurredAt), String(this.#hour(event.occurredAt))]);

  #day(at: number): string {
    return this.#zone.format(at);
  }

  /** Hours from the day's beginning, by walking back to it, to the event's UTC hour. */
  #hour(at: number): number {
    let start = Math.floor(at / stepMs) * stepMs;
    while (this.#day(start - stepMs) === this.#day(at)) start -= stepMs;
    return Math.floor(Math.max(0, Math.floor(at / hourMs) * hourMs - start) / hourMs);
  }

  #by(keyOf: (event: BookingEvent) => string[]): Map<string, Measures> {
    const groups = new Map<string, BookingEvent[]>();
    for (const event of this.#events) {
      const key = [...keyOf(event), event.currency].join('|');
      groups.set(key, [...(groups.get(key) ?? []), event]);
    }
    return new Map([...groups].map(([key, events]) => [key, measuresOf(events)]));
  }
}

function measuresOf(events: readonly BookingEvent[]): Measures {
  const of = (type: string): BookingEvent[] => events.filter((event) => event.type === type);
  const sum = (some: readonly BookingEvent[], field: 'seats' | 'amountMinor'): bigint =>
    some.reduce((total, event) => total + BigInt(event[field]), 0n);
  const [reserved, cancelled] = [of('reserved'), of('cancelled')];
  const [seats, seatsBack] = [sum(reserved, 'seats'), sum(cancelled, 'seats')];
  const [gross, back] = [sum(reserved, 'amountMinor'), sum(cancelled, 'amountMinor')];
  const ratio = (a: bigint, b: bigint): number | null => (b === 0n ? null : Number(a) / Number(b));
  return {
    reserved: String(reserved.length),
    cancelled: String(cancelled.length),
    changed: String(of('changed').length),
    expired: String(of('expired').length),
    seats_reserved: String(seats),
    seats_cancelled: String(seatsBack),
    seats_net: String(seats - seatsBack),
    gross_minor: String(gross),
    cancelled_minor: String(back),
    net_minor: String(gross - back),
    cancellation_rate: ratio(BigInt(cancelled.length), BigInt(reserved.length)),
    average_booking_minor: ratio(gross, BigInt(reserved.length)),
    average_seat_minor: ratio(gross, seats),
  };
}
