import assert from 'node:assert/strict';
import fc from 'fast-check';
import { naiveAlerts, type OracleShard } from '../../../../scripts/judge/naive-alerts.ts';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import { hashKeyOf, inRange } from '../../../../services/lib/kcl/shards.ts';
import type { Alert } from '../../../../services/lib/rules/alert.ts';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import type { MemoryLimits } from '../../../../services/lib/rules/memory-limits.ts';
import { parseRulesFile, type RulesFile } from '../../../../services/lib/rules/rules-file.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { bookingEvent, millis, start, wholeRange } from '../../../oracle/scenario.ts';

const span = fc.oneof(fc.nat({ max: 12 }), fc.nat({ max: 40 })).map(millis);
const when = fc.constantFrom({}, { type: ['cancelled'] }, { type: ['cancelled', 'reserved'], channel: ['web'] });
const matching = { when, cooldown: fc.option(span, { nil: undefined }) };
const ruleBody = fc.oneof(
  fc.record({ ...matching, count: fc.record({ atLeast: fc.integer({ min: 1, max: 4 }), within: span }) }),
  fc.record({
    ...matching,
    sum: fc.record({ field: fc.constantFrom('seats', 'version'), atLeast: fc.integer({ min: 1, max: 12 }), within: span }),
  }),
  fc.record({
    ...matching,
    distinct: fc.record({
      field: fc.constantFrom('tourId', 'seats', 'traceparent'),
      atLeast: fc.integer({ min: 1, max: 3 }),
      within: span,
    }),
  }),
  fc.record({
    when: fc.constantFrom({}, { channel: ['web'] }),
    cooldown: matching.cooldown,
    pairs: fc.record({
      open: fc.constant('reserved'),
      close: fc.constantFrom('cancelled', 'expired'),
      on: fc.constantFrom('bookingId', 'tourId'),
      maxGap: span,
      atLeast: fc.integer({ min: 1, max: 3 }),
      within: span,
    }),
  }),
  fc.record({
    ...matching,
    session: fc.record({ gap: fc.integer({ min: 1, max: 5 }).map(millis), atLeast: fc.integer({ min: 1, max: 4 }) }),
  }),
);

const files: fc.Arbitrary<RulesFile> = fc
  .record({
    bodies: fc.array(ruleBody, { minLength: 1, maxLength: 4 }),
    disorder: fc.nat({ max: 5 }),
    lateness: fc.nat({ max: 5 }),
  })
  .map(({ bodies, disorder, lateness }) =>
    parseRulesFile({
      time: { disorder: millis(disorder), lateness: millis(lateness), maxAhead: 'PT5M' },
      rules: bodies.map(({ cooldown, ...body }, i) => ({
        id: `rule-${i}`,
        version: 1,
        mode: 'live',
        severity: 'low',
        key: 'userId',
        ...body,
        ...(cooldown === undefined ? {} : { cooldown }),
      })),
    }),
  );

const traffic: fc.Arbitrary<BookingEvent[]> = fc
  .array(
    fc.record({
      user: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 3 }) }),
      advance: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 3 }) }, { weight: 1, arbitrary: fc.nat({ max: 9 }) }),
      back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat({ max: 9 }) }),
      type: fc.constantFrom('reserved' as const, 'cancelled' as const, 'cancelled' as const, 'expired' as const),
      booking: fc.nat({ max: 3 }),
      seats: fc.nat({ max: 5 }),
      web: fc.boolean(),
      repeatOf: fc.option(fc.nat({ max: 9 }), { nil: undefined, freq: 6 }),
    }),
    { minLength: 1, maxLength: 80 },
  )
  .map((steps) => {
    const events: BookingEvent[] = [];
    let now = start;
    for (const [i, { user, advance, back, type, booking, seats, web, repeatOf }] of steps.entries()) {
      now += advance;
      const repeated = repeatOf === undefined ? undefined : events.at(-1 - repeatOf);
      events.push(
        repeated ??
          bookingEvent({
            bookingId: `booking-${booking}`,
            version: i,
            type,
            userId: `user-${user}`,
            tourId: `tour-${booking % 3}`,
            occurredAt: now - back,
            seats,
            channel: web ? 'web' : 'app',
          }),
      );
    }
    return events;
  });

const oneShard = (events: readonly BookingEvent[]): OracleShard[] => [
  { shardId: 'only', parents: [], range: wholeRange, records: events.map((event) => ({ event, arrival: event.occurredAt })) },
];

function play(state: ShardState, events: readonly BookingEvent[]): Alert[] {
  return events.flatMap((event) => {
    const applied = state.apply(event, undefined);
    return applied.kind === 'used' ? applied.alerts : [];
  });
}

/** Frames of the state as it is, made while the events are applied. */
function framesDuring(state: ShardState, events: readonly BookingEvent[], raised: Alert[]): Buffer[] {
  const snapshot = state.snapshot();
  const frames: Buffer[] = [];
  let next = 0;
  for (const frame of snapshot) {
    frames.push(frame);
    raised.push(...play(state, events.slice(next, next + 7)));
    next += 7;
  }
  raised.push(...play(state, events.slice(next)));
  return frames;
}

const eager: Partial<MemoryLimits> = { partitionBits: 0 };

describe('the rule engine, all kinds of rule at once', () => {
  it('raises what the oracle raises', () => {
    fc.assert(
      fc.property(files, traffic, (file, events) => {
        assert.deepEqual(
          play(ShardState.empty(compileRules(file), wholeRange, eager), events),
          naiveAlerts({ shards: oneShard(events), rules: file }).alerts,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('raises the same after a restart at any point, from a snapshot made while events went on', () => {
    fc.assert(
      fc.property(files, traffic, fc.nat({ max: 80 }), (file, events, at) => {
        const rules = compileRules(file);
        const state = ShardState.empty(rules, wholeRange, eager);
        const before = play(state, events.slice(0, at));
        const after: Alert[] = [];
        const frames = framesDuring(state, events.slice(at), after);
        const restored = ShardState.restore(rules, frames, eager);
        assert.deepEqual(play(restored, events.slice(at)), after);
        const again = ShardState.restore(rules, ShardState.restore(rules, frames, eager).snapshot(), eager);
        assert.deepEqual(play(again, events.slice(at)), after);
        assert.deepEqual([...before, ...after], naiveAlerts({ shards: oneShard(events), rules: file }).alerts);
      }),
      { numRuns: 300 },
    );
  });

  it('raises the same on shards that are split and merged, under one watermark', () => {
    fc.assert(
      fc.property(files, traffic, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (file, events, first, second) => {
        const rules = compileRules(file);
        const disorder = rules.time.disorderMs;
        const half = 2n ** 127n;
        const halves = [
          { start: 0n, end: half - 1n },
          { start: half, end: wholeRange.end },
        ];
        let shards = [ShardState.empty(rules, wholeRange, eager)];
        const ranges = new Map(shards.map((shard) => [shard, wholeRange]));
        const raised: Alert[] = [];
        let newest = Number.NEGATIVE_INFINITY;
        events.forEach((event, i) => {
          if (i === first || i === first + second) {
            const parents = shards;
            shards = (shards.length === 1 ? halves : [wholeRange]).map((range) => {
              const child = ShardState.fromParents(rules, parents, range, eager);
              ranges.set(child, range);
              return ShardState.restore(rules, child.snapshot(), eager);
            });
            (shards.length === 1 ? [wholeRange] : halves).forEach((range, n) => ranges.set(shards[n] as ShardState, range));
          }
          for (const shard of shards) shard.raiseWatermark(newest - disorder);
          const owner = shards.find((shard) => inRange(hashKeyOf(event.userId), ranges.get(shard) ?? wholeRange));
          const applied = owner?.apply(event, undefined);
          if (applied?.kind !== 'used') return;
          newest = Math.max(newest, event.occurredAt);
          raised.push(...applied.alerts);
        });
        assert.deepEqual(raised, naiveAlerts({ shards: oneShard(events), rules: file }).alerts);
      }),
      { numRuns: 300 },
    );
  });
});
