import { z } from 'zod';
import { type BookingEvent, bookingEventSchema, earliestOccurredAt } from './booking-event.ts';
import { parseJsonText, type TextFault } from './json-text.ts';
import { deadLetter, type Outcome, ok } from './outcome.ts';

/** As JSON, in UTF-8 bytes. */
export const maxExtraBytes = 65_536;
/** An occurredAt further ahead of its arrival than this is a clock fault. */
const maxAheadMs = 86_400_000;
const maxErrorLength = 1_000;

export type BookingEventFault =
  | TextFault
  | 'unsupported-version'
  | 'invalid-event'
  | 'extra-too-large'
  | 'key-mismatch'
  | 'occurred-at-out-of-range';

const fieldOrder = Object.keys(bookingEventSchema.shape) as (keyof BookingEvent)[];

/** Canonical bytes: the contract's field order, absent fields left out, UTF-8. */
export function encodeBookingEvent(event: BookingEvent): Buffer {
  const ordered = Object.fromEntries(fieldOrder.filter((field) => event[field] !== undefined).map((field) => [field, event[field]]));
  return Buffer.from(JSON.stringify(ordered), 'utf8');
}

/**
 * Reads what is on `booking-events`. Takes any bytes and never throws. `arrivedAtMs`: when the stream took the record.
 * An event in a file has no partition key (undefined) and no arrival (Infinity).
 */
export function decodeBookingEvent(
  data: Buffer,
  partitionKey: string | undefined,
  arrivedAtMs: number,
): Outcome<BookingEvent, never, BookingEventFault> {
  const json = parseJsonText(data);
  if (json.kind !== 'ok') return json;
  const version = (json.value as { schemaVersion?: unknown } | null)?.schemaVersion;
  if (typeof version === 'number' && version !== 1) return deadLetter('unsupported-version', `schemaVersion ${version}`);
  const event = validateBookingEvent(json.value, arrivedAtMs);
  if (event.kind !== 'ok') return event;
  if (partitionKey !== undefined && event.value.userId !== partitionKey)
    return deadLetter('key-mismatch', 'the partition key is not the userId');
  if (data.length > maxExtraBytes && extraBytes(event.value.extra) > maxExtraBytes) {
    return deadLetter('extra-too-large', `extra is larger than ${maxExtraBytes} bytes`);
  }
  return event;
}

/** Holds a value against the contract, and its time against its arrival. */
export function validateBookingEvent(
  value: unknown,
  arrivedAtMs: number,
): Outcome<BookingEvent, never, 'invalid-event' | 'occurred-at-out-of-range'> {
  const occurredAt = (value as { occurredAt?: unknown } | null)?.occurredAt;
  if (
    Number.isSafeInteger(occurredAt) &&
    ((occurredAt as number) < earliestOccurredAt || (occurredAt as number) > arrivedAtMs + maxAheadMs)
  ) {
    return deadLetter('occurred-at-out-of-range', `occurredAt ${String(occurredAt)}, arrived at ${arrivedAtMs}`);
  }
  const parsed = bookingEventSchema.safeParse(value);
  if (!parsed.success) return deadLetter('invalid-event', z.prettifyError(parsed.error).slice(0, maxErrorLength));
  return ok(parsed.data);
}

export const extraBytes = (extra: BookingEvent['extra']): number => (extra === undefined ? 0 : Buffer.byteLength(JSON.stringify(extra)));
