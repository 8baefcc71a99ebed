import { createHash } from 'node:crypto';
import type { BookingEvent, EventType } from '../../services/lib/events/booking-event.ts';
import type { Booking, Change } from './booking.ts';

export type CanonicalEvent = Omit<BookingEvent, 'extra' | 'traceparent'>;

/** By the contract's text (docs/contracts), not by the code of the services: whoever judges them must not share their faults. */
export function contractEventId(bookingId: string, version: number, type: EventType): string {
  const hash = createHash('sha256');
  hash.update(`[${JSON.stringify(bookingId)},${version},"${type}"]`, 'utf8');
  return hash.digest().subarray(0, 16).toString('hex');
}

/** The event a change stands for, without the attributes that have no place in it; undefined for a write that means nothing. */
export function canonicalEvent(change: Change, occurredAtShift = 0): CanonicalEvent | undefined {
  const booking = bookingAfter(change);
  if (booking === undefined || change.means === 'no-op') return undefined;
  return {
    schemaVersion: 1,
    eventId: contractEventId(booking.bookingId, booking.version, change.means),
    type: change.means,
    bookingId: booking.bookingId,
    version: booking.version,
    userId: booking.userId,
    tourId: booking.sale.tour.tourId,
    occurredAt: booking.updatedAt + occurredAtShift,
    seats: booking.sale.seats,
    amountMinor: booking.sale.amountMinor,
    currency: booking.sale.currency,
    channel: booking.sale.channel,
    source: 'dynamodb',
  };
}

/** The booking as the change left it; one that was removed is a version further, at the time of the removal. */
export function bookingAfter({ at, after, before }: Change): Booking | undefined {
  return after ?? (before && { ...before, version: before.version + 1, updatedAt: at });
}
