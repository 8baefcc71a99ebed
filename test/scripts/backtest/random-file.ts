import type { OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import type { BookingEvent, EventType } from '../../../services/lib/events/booking-event.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { bookingEvent, start, wholeRange } from '../../oracle/scenario.ts';

/** Small seeded generator (mulberry32), so that a file is named by its seed. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const types: readonly EventType[] = ['reserved', 'reserved', 'reserved', 'cancelled', 'cancelled', 'changed', 'expired'];

/** Events with duplicates, disorder and late ones; a few users have most of them. */
export function randomEvents(seed: number, count: number): BookingEvent[] {
  const below = random(seed);
  const users = Math.ceil(count / 20);
  const events: BookingEvent[] = [];
  let now = start;
  for (let i = 0; i < count; i++) {
    now += below(40);
    const repeated = below(12) === 0 ? events.at(-1 - below(500)) : undefined;
    const user = below(6) === 0 ? below(10) : below(users);
    const late = below(50) === 0 ? below(60_000) : below(3) === 0 ? below(6_000) : 0;
    events.push(
      repeated ??
        bookingEvent({
          bookingId: `booking-${user}-${below(3)}`,
          version: i,
          type: types[below(types.length)] ?? 'changed',
          userId: `user-${user}`,
          tourId: `tour-${below(9)}`,
          occurredAt: now - late,
          seats: below(5),
          amountMinor: below(30_000) - 1_000,
          currency: below(4) === 0 ? 'USD' : 'EUR',
          channel: below(2) === 0 ? 'web' : 'app',
        }),
    );
  }
  return events;
}

const common = { version: 1, severity: 'high', key: 'userId' } as const;

/** All kinds at once. */
export const allKinds: RulesFile = {
  time: { disorder: 'PT4S', lateness: 'PT5S', maxAhead: 'PT5M' },
  rules: [
    { ...common, id: 'count', mode: 'live', when: { type: ['cancelled'] }, count: { atLeast: 3, within: 'PT20S' }, cooldown: 'PT10S' },
    { ...common, id: 'sum', mode: 'live', when: { currency: ['EUR'] }, sum: { field: 'amountMinor', atLeast: 60_000, within: 'PT15S' } },
    { ...common, id: 'distinct', mode: 'shadow', when: {}, distinct: { field: 'tourId', atLeast: 4, within: 'PT12S' }, cooldown: 'PT1S' },
    {
      ...common,
      id: 'pairs',
      mode: 'live',
      when: { channel: ['web', 'app'] },
      pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT30S', atLeast: 2, within: 'PT40S' },
    },
    {
      ...common,
      id: 'session',
      mode: 'live',
      when: { type: ['reserved', 'changed'] },
      session: { gap: 'PT6S', atLeast: 4 },
      cooldown: 'PT5S',
    },
    { ...common, id: 'off', mode: 'off', when: {}, count: { atLeast: 1, within: 'PT0S' } },
  ],
};

/** A file is one shard in which nothing is from the future. */
export const asShard = (events: readonly BookingEvent[]): OracleShard => ({
  shardId: 'file',
  parents: [],
  range: wholeRange,
  records: events.map((event) => ({ event, arrival: Number.POSITIVE_INFINITY })),
});
