import { z } from 'zod';
import { bookingEventSchema } from '../../services/lib/events/booking-event.ts';

/** The published contracts, generated from the code that enforces them: path below the repository's root → content. */
export function contractFiles(): ReadonlyMap<string, string> {
  const bookingEvent = { title: 'BookingEvent v1', ...z.toJSONSchema(bookingEventSchema, { target: 'draft-2020-12' }) };
  return new Map([['docs/contracts/booking-event.v1.json', `${JSON.stringify(bookingEvent, null, 2)}\n`]]);
}
