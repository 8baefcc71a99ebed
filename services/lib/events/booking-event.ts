import { createHash } from 'node:crypto';
import { z } from 'zod';

export const eventTypes = ['reserved', 'changed', 'cancelled', 'expired'] as const;
export type EventType = (typeof eventTypes)[number];

/** 2000-01-01T00:00:00Z: an occurredAt before it is a clock fault, not a booking. */
export const earliestOccurredAt = 946_684_800_000;
const latestOccurredAt = 253_402_300_799_999; // 9999-12-31, the last time a warehouse timestamp holds

/**
 * BookingEvent v1: what every consumer behind the routers reads (docs/contracts/booking-event.v1.json is generated from this).
 * Partition key on the stream = userId.
 */
export const bookingEventSchema = z.strictObject({
  schemaVersion: z.literal(1),
  eventId: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('first 32 hex of sha256(JSON.stringify([bookingId, version, type]))'),
  type: z.enum(eventTypes),
  bookingId: z.string().min(1).max(256),
  version: z.int().min(0).describe('rises with every change of the booking'),
  userId: z.string().min(1).max(128),
  tourId: z.string().min(1).max(256),
  occurredAt: z.int().min(earliestOccurredAt).max(latestOccurredAt).describe('epoch ms, UTC'),
  seats: z.int().min(0).max(100_000),
  amountMinor: z.int().describe('in the minor unit of the currency'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .describe('ISO 4217'),
  channel: z.string().min(1).max(64),
  source: z.enum(['dynamodb', 'partner', 'sdk']),
  traceparent: z.string().max(128).optional().describe('W3C trace context'),
  extra: z.record(z.string(), z.json()).optional().describe('fields of the origin that have no place above, at most 64 KiB as JSON'),
});

export type BookingEvent = z.infer<typeof bookingEventSchema>;

/** The same change has the same id through any retry or route. */
export function eventIdOf(bookingId: string, version: number, type: EventType): string {
  return createHash('sha256')
    .update(JSON.stringify([bookingId, version, type]))
    .digest('hex')
    .slice(0, 32);
}
