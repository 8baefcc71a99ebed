import { type BookingEvent, eventIdOf } from '../../services/lib/events/booking-event.ts';
import type { Booking, Change } from './booking.ts';

/** The event a change stands for, without the attributes that have no place in it; undefined for a write that means nothing. */
export function canonicalEvent(change: Change, occurredAtShift = 0): BookingEvent | undefined {
  const booking = bookingAfter(change);
  if (booking === undefined || change.means === 'no-op') return undefined;
  return {
    schemaVersion: 1,
    eventId: eventIdOf(booking.bookingId, booking.version, change.means),
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
