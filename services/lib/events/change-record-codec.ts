import { z } from 'zod';
import { type Json, unmarshallMap } from './attribute-value.ts';
import { type BookingEvent, type EventType, eventIdOf } from './booking-event.ts';
import { extraBytes, maxExtraBytes, validateBookingEvent } from './booking-event-codec.ts';
import { type ChangeRecord, changedAtMicros, changeRecordSchema, isExpiry } from './change-record.ts';
import { parseJsonText, type TextFault } from './json-text.ts';
import { deadLetter, drop, type Outcome, ok } from './outcome.ts';

/** How the booking service's item names what we read. */
export interface ItemNames {
  readonly bookingId: string;
  readonly userId: string;
  readonly tourId: string;
  readonly status: string;
  readonly version: string;
  /** Number: epoch ms; text: ISO 8601 with a zone. */
  readonly updatedAt: string;
  readonly seats: string;
  readonly amountMinor: string;
  readonly currency: string;
  readonly channel: string;
  readonly traceparent: string;
}

export const defaultItemNames: ItemNames = {
  bookingId: 'bookingId',
  userId: 'userId',
  tourId: 'tourId',
  status: 'status',
  version: 'version',
  updatedAt: 'updatedAt',
  seats: 'seats',
  amountMinor: 'amountMinor',
  currency: 'currency',
  channel: 'channel',
  traceparent: 'traceparent',
};

export interface ChangeRecordOptions {
  readonly names?: ItemNames;
  /** The status that means cancelled. */
  readonly cancelledStatus?: string;
  /**
   * Called with the record when its unknown attributes exceed 64 KiB; answers where the original is kept, which becomes
   * `extra.originalRef`. Whoever calls decode must store it before the event goes on. Without it such a record is a dead letter.
   */
  readonly keepOriginal?: (data: Buffer) => string;
}

export type ChangeDrop = 'no-op' | 'already-cancelled';
export type ChangeFault =
  | TextFault
  | 'not-a-change-record'
  | 'missing-image'
  | 'invalid-attribute'
  | 'missing-field'
  | 'no-time'
  | 'extra-too-large'
  | 'invalid-event'
  | 'occurred-at-out-of-range';

type Item = Readonly<Record<string, Json>>;
const maxErrorLength = 1_000;

/** A DynamoDB change record as a BookingEvent. Takes any bytes and never throws. `arrivedAtMs`: when the stream took it. */
export function decodeChangeRecord(
  data: Buffer,
  arrivedAtMs: number,
  options: ChangeRecordOptions = {},
): Outcome<BookingEvent, ChangeDrop, ChangeFault> {
  const { names = defaultItemNames, cancelledStatus = 'CANCELLED', keepOriginal } = options;
  const json = parseJsonText(data);
  if (json.kind !== 'ok') return json;
  const parsed = changeRecordSchema.safeParse(json.value);
  if (!parsed.success) return deadLetter('not-a-change-record', z.prettifyError(parsed.error).slice(0, maxErrorLength));
  const record = parsed.data;

  const images = imagesOf(record);
  if (images === undefined) return deadLetter('missing-image', `${record.eventName} without its image`);
  const type = typeOf(record, images, names, cancelledStatus);
  if (type.kind !== 'ok') return type;

  const image = images.after ?? images.before ?? {};
  // An image repeats the keys; one that does not is completed.
  const unmarshalled = unmarshallMap(names.bookingId in image ? image : { ...record.dynamodb.Keys, ...image });
  if (unmarshalled.kind !== 'ok') return unmarshalled;
  const item = unmarshalled.value;
  const event = toEvent(record, type.value, item, names);
  if (event.kind !== 'ok') return event;
  const extra = extraOf(item, names);
  if (extraBytes(extra) <= maxExtraBytes) return validateBookingEvent({ ...event.value, ...(extra && { extra }) }, arrivedAtMs);
  if (keepOriginal === undefined) return deadLetter('extra-too-large', `unknown attributes are larger than ${maxExtraBytes} bytes`);
  const valid = validateBookingEvent(event.value, arrivedAtMs);
  return valid.kind === 'ok' ? ok({ ...valid.value, extra: { originalRef: keepOriginal(data) } }) : valid;
}

/** Attributes with their type tags. */
type Image = Readonly<Record<string, unknown>>;

interface Images {
  readonly before: Image | undefined;
  readonly after: Image | undefined;
}

/** Undefined when the change lacks an image that it must have. */
function imagesOf(record: ChangeRecord): Images | undefined {
  const { NewImage, OldImage } = record.dynamodb;
  const before = record.eventName === 'INSERT' ? undefined : OldImage;
  const after = record.eventName === 'REMOVE' ? undefined : NewImage;
  const isWhole = (before !== undefined || record.eventName === 'INSERT') && (after !== undefined || record.eventName === 'REMOVE');
  return isWhole ? { before, after } : undefined;
}

function typeOf(record: ChangeRecord, images: Images, names: ItemNames, cancelledStatus: string): Outcome<EventType, ChangeDrop, never> {
  const isCancelled = (image: Image | undefined): boolean =>
    (image?.[names.status] as { S?: unknown } | null | undefined)?.S === cancelledStatus;
  const wasCancelled = isCancelled(images.before);
  if (record.eventName === 'INSERT') return ok('reserved');
  if (record.eventName === 'REMOVE') {
    if (isExpiry(record)) return ok('expired');
    return wasCancelled ? drop('already-cancelled') : ok('cancelled');
  }
  if (isCancelled(images.after) && !wasCancelled) return ok('cancelled');
  return mappedChange(images, names) ? ok('changed') : drop('no-op');
}

/** Whether anything that a BookingEvent shows differs. DynamoDB writes equal values alike. */
function mappedChange({ before, after }: Images, names: ItemNames): boolean {
  return Object.values(names).some(
    (name) => name !== names.traceparent && JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name]),
  );
}

type Candidate = Record<Exclude<keyof BookingEvent, 'extra' | 'traceparent'>, unknown> & { traceparent?: unknown };

/** The event without its `extra`; fields of a wrong type are left to the contract's own check. */
function toEvent(
  record: ChangeRecord,
  type: EventType,
  item: Item,
  names: ItemNames,
): Outcome<Candidate, never, 'missing-field' | 'no-time'> {
  const required = ['bookingId', 'userId', 'tourId', 'seats', 'amountMinor', 'currency', 'channel'] as const;
  const missing = required.filter((field) => item[names[field]] === undefined).map((field) => names[field]);
  if (missing.length > 0) return deadLetter('missing-field', `no ${missing.join(', ')}`);

  const micros = changedAtMicros(record);
  const changedAt = micros === undefined ? undefined : Math.floor(micros / 1_000);
  const updatedAt = timeOf(item[names.updatedAt]);
  // A removal leaves only the item as it was before: its version and time are those of the change before (docs/adr/0010).
  const isRemoval = record.eventName === 'REMOVE';
  const itemVersion = item[names.version];
  const version = (isRemoval && typeof itemVersion === 'number' ? itemVersion + 1 : itemVersion) ?? micros;
  const occurredAt = isRemoval ? (changedAt ?? updatedAt) : (updatedAt ?? changedAt);
  if (version === undefined || occurredAt === undefined) {
    return deadLetter('no-time', 'the item has no version or no time of its own, and the record has no time with a known precision');
  }
  const bookingId = idOf(item[names.bookingId]);
  const traceparent = item[names.traceparent];
  return ok({
    schemaVersion: 1,
    eventId: typeof bookingId === 'string' && typeof version === 'number' ? eventIdOf(bookingId, version, type) : undefined,
    type,
    bookingId,
    version,
    userId: idOf(item[names.userId]),
    tourId: idOf(item[names.tourId]),
    occurredAt,
    seats: item[names.seats],
    amountMinor: item[names.amountMinor],
    currency: item[names.currency],
    channel: item[names.channel],
    source: 'dynamodb',
    ...(isTraceparent(traceparent) ? { traceparent } : {}),
  });
}

/** Tables may key by number; the contract's ids are text. */
const idOf = (value: Json | undefined): Json | undefined => (typeof value === 'number' ? String(value) : value);

/** W3C trace context, version 00 layout; anything else under that name stays in `extra`. */
const isTraceparent = (value: Json | undefined): boolean =>
  typeof value === 'string' && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value);

const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

function timeOf(value: Json | undefined): Json | undefined {
  if (typeof value !== 'string' || !isoTime.test(value)) return value;
  const time = Date.parse(value);
  return Number.isNaN(time) ? value : time;
}

function extraOf(item: Item, names: ItemNames): Record<string, Json> | undefined {
  const known = new Set<string>(Object.values(names));
  const isExtra = (name: string): boolean => !known.has(name) || (name === names.traceparent && !isTraceparent(item[name]));
  const unknown = Object.entries(item).filter(([name]) => isExtra(name));
  return unknown.length === 0 ? undefined : Object.fromEntries(unknown);
}
