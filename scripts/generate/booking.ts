import { createHash } from 'node:crypto';
import type { EventType } from '../../services/lib/events/booking-event.ts';
import type { Market, Sale } from './market.ts';
import type { Random } from './random.ts';

/** A row of the booking service's table. Times are epoch ms. */
export interface Booking {
  readonly bookingId: string;
  readonly userId: string;
  readonly status: 'CONFIRMED' | 'PENDING' | 'CANCELLED';
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly sale: Sale;
  readonly note: string;
  /** Written by a housekeeping job; no consumer maps it. */
  readonly remindersSent: number;
}

/** One write of the booking service. `at` is when it happened, epoch ms. */
export interface Change {
  readonly at: number;
  readonly before?: Booking;
  readonly after?: Booking;
  readonly byTtl: boolean;
  /** What a consumer should make of it. */
  readonly means: EventType | 'no-op';
  /** Number of the planted fraud episode it belongs to. */
  readonly episode?: number;
}

const dayMs = 86_400_000;
/** U+2028 is legal inside JSON text; line-based readers that split on it break (so does readline from Node 24 on). */
const notes = [
  '',
  '',
  '',
  'two vegetarian meals, window seats if possible',
  'first line\u2028second line',
  'säker resa – tack! 🎒',
  'quotes "inside" and a \\ backslash',
];

/** Ids look alike whatever they stand for: nothing downstream can tell a planted user by name. */
export const userIdOf = (seed: number, group: 'guest' | 'planted' | 'near-miss', index: number): string =>
  `usr-${createHash('sha256').update(`${seed}/${group}/${index}`).digest('hex').slice(0, 12)}`;

export interface Desk {
  /** A booking made now. */
  reserve(userId: string, at: number): Booking;
  /** A booking made days or months before `at`, never seen on the stream. */
  aged(userId: string, at: number, what: 'booking' | 'cancelled booking'): Booking;
}

export function createDesk(seed: number, market: Market, random: Random): Desk {
  let made = 0;
  const booking = (userId: string, sale: Sale, at: number): Booking => ({
    bookingId: `bkg-${seed.toString(36)}-${(made++).toString(36).padStart(7, '0')}`,
    userId,
    status: 'CONFIRMED',
    version: 1,
    createdAt: at,
    updatedAt: at,
    sale,
    note: random.pick(notes),
    remindersSent: 0,
  });
  return {
    reserve: (userId, at) => booking(userId, market.sale(random, 'booking'), at),
    aged(userId, at, what) {
      const sale = market.sale(random, what);
      // Booking to change: a quarter within a day, median 26 days, and never more than the lead time allows by much.
      const age = Math.round(Math.min(26 * Math.exp(1.6 * random.normal()), sale.leadDays + 1) * dayMs) + 60_000;
      const old = booking(userId, sale, at - age);
      return { ...old, version: random.integer(1, 4), remindersSent: random.integer(0, 3) };
    },
  };
}

/** The next version of a booking. */
export const revise = (before: Booking, at: number, change: Partial<Booking>): Booking => ({
  ...before,
  ...change,
  version: before.version + 1,
  updatedAt: at,
});
