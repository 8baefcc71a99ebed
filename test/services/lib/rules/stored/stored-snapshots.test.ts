import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { BookingEvent } from '../../../../../services/lib/events/booking-event.ts';
import { compileRules } from '../../../../../services/lib/rules/compile.ts';
import { type Applied, ShardState } from '../../../../../services/lib/rules/shard-state.ts';
import { bookingEvent, rule, start, wholeRange } from '../../../../oracle/scenario.ts';

const span = { atLeast: 3, within: 'PT10M' } as const;
const pairs = { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT5M', atLeast: 2, within: 'PT10M' } as const;
const rules = compileRules({
  time: { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' },
  rules: [
    rule({ id: 'count', count: span, cooldown: 'PT1M' }),
    rule({ id: 'sum', when: { currency: ['EUR'] }, sum: { field: 'amountMinor', atLeast: 50_000, within: 'PT10M' } }),
    rule({ id: 'distinct', distinct: { field: 'tourId', atLeast: 3, within: 'PT10M' } }),
    rule({ id: 'pairs', when: {}, pairs }),
    rule({ id: 'session', session: { gap: 'PT2M', atLeast: 4 } }),
  ],
});

const event = (seconds: number, bookingId: string, of: Partial<BookingEvent> = {}): BookingEvent =>
  bookingEvent({ bookingId, occurredAt: start + seconds * 1_000, ...of });
const reserved = { type: 'reserved' } as const;

const before = [
  event(0, 'a', reserved),
  event(20, 'a', { tourId: 'tour-2' }),
  event(30, 'ü', { userId: 'ü\ud800', tourId: 'tour-9' }),
  event(60, 'b', reserved),
  event(50, 'c', { amountMinor: 30_000 }),
  event(90, 'd', { userId: 'ü\ud800', currency: 'USD' }),
  event(110, 'e', { tourId: 'tour-3' }),
];
const after = [
  event(20, 'a', { tourId: 'tour-2' }),
  event(100, 'b', { tourId: 'tour-4' }),
  event(115, 'f', { userId: 'ü\ud800' }),
  event(180, 'g'),
  event(30, 'h', { userId: 'ü\ud800', tourId: 'tour-8' }),
  event(3_600, 'i'),
  event(60, 'j'),
];

/** Without the arrival, which a file has not. */
const apply = (state: ShardState, events: readonly BookingEvent[]): Applied[] =>
  events.map((each) => structuredClone(state.apply(each, undefined)));

describe('a stored snapshot of the rules', () => {
  // What ShardState.snapshot() gave after `before`. A change of format adds a file; the one of the version before it stays.
  for (const version of [2, 3]) {
    it(`in format version ${version} is read, and goes on as if there had been no restart`, () => {
      const bytes = Buffer.from(readFileSync(new URL(`version-${version}.base64`, import.meta.url), 'utf8'), 'base64');
      const restored = ShardState.restore(rules, [bytes]);
      const whole = ShardState.empty(rules, wholeRange);
      apply(whole, before);
      // Not the bytes, which also depend on how the memory grew.
      const { keys, ids, events } = restored.size;
      assert.deepEqual({ keys, ids, events }, { keys: whole.size.keys, ids: whole.size.ids, events: whole.size.events });
      const told = apply(restored, after);
      const outcomes = told.flatMap((each) => (each.kind === 'used' ? each.alerts.map(({ ruleId }) => ruleId) : [each.reason]));
      assert.deepEqual(new Set(outcomes), new Set(['duplicate', 'late', 'count', 'sum', 'distinct', 'pairs', 'session']));
      assert.deepEqual(told, apply(whole, after));
    });
  }
});
