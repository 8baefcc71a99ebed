import { createHash } from 'node:crypto';
import type { Booking, Change } from './booking.ts';
import type { Random } from './random.ts';

type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly BOOL: boolean }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };
export type Item = Readonly<Record<string, AttributeValue>>;

/** A change as DynamoDB's Kinesis streaming destination writes it (fields as in real samples; precision: its default, microseconds). */
export interface ChangeRecord {
  readonly awsRegion: string;
  readonly eventID: string;
  readonly eventName: 'INSERT' | 'MODIFY' | 'REMOVE';
  readonly userIdentity: null | { readonly principalId: 'dynamodb.amazonaws.com'; readonly type: 'Service' };
  readonly recordFormat: 'application/json';
  readonly tableName: string;
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly ApproximateCreationDateTimePrecision: 'MICROSECOND';
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SizeBytes: number;
  };
  readonly eventSource: 'aws:dynamodb';
}

export interface EncodedChange {
  readonly record: ChangeRecord;
  /** Not the user: the destination's own key is undocumented, so nothing may rest on it. */
  readonly partitionKey: string;
}

const s = (text: string): AttributeValue => ({ S: text });
const n = (value: number): AttributeValue => ({ N: String(value) });

/** `updatedAtShift` (ms) moves the booking's own time, as a device that was offline or has a wrong clock does. */
export function encodeChange(change: Change, random: Random, updatedAtShift = 0): EncodedChange {
  const subject = change.after ?? change.before;
  if (subject === undefined) throw new TypeError('a change has an image');
  const newImage = change.after && itemOf(change.after, updatedAtShift);
  const oldImage = change.before && itemOf(change.before, 0);
  const record: ChangeRecord = {
    awsRegion: 'us-east-1',
    eventID: uuid(random),
    eventName: change.before === undefined ? 'INSERT' : change.after === undefined ? 'REMOVE' : 'MODIFY',
    userIdentity: change.byTtl ? { principalId: 'dynamodb.amazonaws.com', type: 'Service' } : null,
    recordFormat: 'application/json',
    tableName: 'bookings',
    dynamodb: {
      ApproximateCreationDateTime: change.at * 1_000 + random.integer(0, 999),
      Keys: { bookingId: s(subject.bookingId) },
      ...(newImage && { NewImage: newImage }),
      ...(oldImage && { OldImage: oldImage }),
      SizeBytes: Buffer.byteLength(JSON.stringify([newImage, oldImage])),
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
    },
    eventSource: 'aws:dynamodb',
  };
  return { record, partitionKey: createHash('md5').update(subject.bookingId).digest('base64url') };
}

/** About 1 KB as DynamoDB counts an item: the mapped attributes, and what a tour booking carries besides. */
function itemOf(booking: Booking, updatedAtShift: number): Item {
  const { sale } = booking;
  const departure = new Date(booking.createdAt + sale.leadDays * 86_400_000).toISOString().slice(0, 10);
  const perSeat = Math.round(sale.amountMinor / sale.seats);
  return {
    bookingId: s(booking.bookingId),
    userId: s(booking.userId),
    tourId: s(sale.tour.tourId),
    status: s(booking.status),
    version: n(booking.version),
    updatedAt: n(booking.updatedAt + updatedAtShift),
    seats: n(sale.seats),
    amountMinor: n(sale.amountMinor),
    currency: s(sale.currency),
    channel: s(sale.channel),
    departure: s(departure),
    nights: n(sale.tour.nights),
    pickup: s(sale.tour.pickup),
    note: s(booking.note),
    remindersSent: n(booking.remindersSent),
    paid: { BOOL: booking.status !== 'PENDING' },
    priceLines: {
      L: [
        { M: { code: s('BASE'), label: s('Tour, guide and entrance fees'), amountMinor: n(Math.round(perSeat * 0.8)) } },
        { M: { code: s('TRANSFER'), label: s('Transfer from the pickup point'), amountMinor: n(Math.round(perSeat * 0.15)) } },
        { M: { code: s('FEE'), label: s('Service fee'), amountMinor: n(Math.round(perSeat * 0.05)) } },
      ],
    },
    terms: {
      M: {
        cancellation: s('free of charge until 48 hours before departure, afterwards the service fee is kept'),
        acceptedAt: n(booking.createdAt),
        locale: s('en-GB'),
        edition: s('2026-04'),
      },
    },
    device: { M: { platform: s(sale.channel === 'web' ? 'browser' : 'partner-api'), session: s(sessionOf(booking)) } },
  };
}

const sessionOf = (booking: Booking): string => createHash('sha256').update(`session/${booking.bookingId}`).digest('hex');

function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, () => random.integer(0, 15).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
