import assert from 'node:assert/strict';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import { hashKeyOf } from '../../../../services/lib/kcl/shards.ts';
import { alertIdOf } from '../../../../services/lib/rules/alert.ts';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import { Floors } from '../../../../services/lib/rules/floors.ts';
import type { RulesFile } from '../../../../services/lib/rules/rules-file.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { bookingEvent, millis, type RuleSpec, rule, start, wholeRange } from '../../../oracle/scenario.ts';

const compiled = (specs: Partial<RuleSpec>[], time: Partial<RulesFile['time']> = {}) =>
  compileRules({
    time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M', ...time },
    rules: specs.map((spec, i) => rule({ id: `rule-${i}`, ...spec })),
  });

let bookings = 0;
const at = (ms: number, of: Partial<BookingEvent> = {}): BookingEvent =>
  bookingEvent({ bookingId: `booking-${bookings++}`, occurredAt: start + ms, ...of });

/** Applies events that all arrive in time; the alerts of each. */
const feed = (state: ShardState, ...events: BookingEvent[]) =>
  events.map((event) => {
    const applied = state.apply(event, event.occurredAt);
    return applied.kind === 'used' ? applied.alerts : applied.reason;
  });

const second = 1_000;

describe('a shard state', () => {
  describe('time', () => {
    it('uses an event exactly maxAhead ahead of its arrival, and calls the next millisecond the future', () => {
      const state = ShardState.empty(compiled([{}], { maxAhead: 'PT5M' }), wholeRange);
      const event = at(300_001);
      assert.deepEqual(state.apply(event, start), { kind: 'skipped', reason: 'future' });
      assert.equal(state.apply(event, start + 1).kind, 'used');
    });

    it('has no future where events have no arrival', () => {
      const state = ShardState.empty(compiled([{}]), wholeRange);
      assert.equal(state.apply(at(86_400_000), undefined).kind, 'used');
    });

    it('uses an event exactly at watermark − lateness, and calls the millisecond before it late', () => {
      const state = ShardState.empty(compiled([{}]), wholeRange);
      assert.deepEqual(feed(state, at(60 * second), at(15 * second), at(15 * second - 1)), [[], [], 'late']);
    });

    it('does not move the watermark by events it does not use', () => {
      const state = ShardState.empty(compiled([{}]), wholeRange);
      feed(state, at(0));
      state.apply(at(3_600_000), start);
      assert.equal(state.watermarkOf('user-1'), start - 30 * second);
    });

    it('asks for late before duplicate: a repeat beyond lateness is late', () => {
      const state = ShardState.empty(compiled([{}]), wholeRange);
      const first = at(0);
      assert.deepEqual(feed(state, first, first, at(46 * second), first), [[], 'duplicate', [], 'late']);
    });
  });

  it('knows an id while its event is not late, exactly, whenever memory is swept', () => {
    for (const partitionBits of [0, 6]) {
      const state = ShardState.empty(compiled([{}]), wholeRange, { partitionBits });
      const first = at(0, { type: 'reserved' });
      const again = { ...first, occurredAt: first.occurredAt + 40 * second };
      assert.deepEqual(feed(state, first, at(45 * second), again), [[], [], 'duplicate']);
      assert.deepEqual(feed(state, at(45 * second + 1), again), [[], []], 'the horizon has passed the first one');
    }
  });

  describe('count', () => {
    it('holds when newest − oldest is exactly within, not a millisecond more', () => {
      const rules = compiled([{ count: { atLeast: 2, within: 'PT10S' } }]);
      assert.equal(feed(ShardState.empty(rules, wholeRange), at(0), at(10 * second))[1]?.length, 1);
      assert.equal(feed(ShardState.empty(rules, wholeRange), at(0), at(10 * second + 1))[1]?.length, 0);
    });

    it('still knows the oldest event that the oldest acceptable event can reach', () => {
      const rules = compiled([{ count: { atLeast: 2, within: 'PT10S' } }]);
      const [, , alerts] = feed(ShardState.empty(rules, wholeRange, { partitionBits: 0 }), at(0), at(55 * second), at(10 * second));
      assert.equal(alerts?.length, 1);
    });

    it('takes the earliest run of neighbours that contains the new event, ties in order of arrival', () => {
      const state = ShardState.empty(compiled([{ count: { atLeast: 3, within: 'PT10S' } }]), wholeRange);
      const [a, b, c, d] = [at(8 * second), at(0), at(12 * second), at(8 * second)];
      const [, , , alerts] = feed(state, a, b, c, d);
      assert.ok(Array.isArray(alerts));
      assert.deepEqual(alerts[0], {
        alertId: alertIdOf('rule-0', 1, 'user-1', d.eventId),
        ruleId: 'rule-0',
        ruleVersion: 1,
        mode: 'live',
        severity: 'high',
        key: 'user-1',
        at: d.occurredAt,
        triggeredBy: d.eventId,
        value: 3,
        evidenceCount: 3,
        evidence: [b, a, d].map(({ eventId, occurredAt }) => ({ eventId, occurredAt })),
      });
    });

    it('takes a run that begins with a late event, when the ones before it are too far away', () => {
      const state = ShardState.empty(compiled([{ count: { atLeast: 3, within: 'PT10S' } }]), wholeRange);
      const [before, a, b, late] = [at(0), at(13 * second), at(14 * second), at(8 * second)];
      const [, , , alerts] = feed(state, before, a, b, late);
      assert.ok(typeof alerts === 'object');
      assert.deepEqual(
        alerts[0]?.evidence.map(({ eventId }) => eventId),
        [late, a, b].map(({ eventId }) => eventId),
      );
    });

    it('raises nothing up to exactly cooldown after the last alert, however long ago its key was swept', () => {
      const rules = compiled([{ count: { atLeast: 1, within: 'PT0S' }, cooldown: 'PT20S' }]);
      const others = (ms: number) => at(ms, { userId: 'user-2', type: 'reserved' });
      const state = ShardState.empty(rules, wholeRange, { partitionBits: 0 });
      // The watermark brings the horizon to exactly lastAt + cooldown, the last moment at which lastAt still matters.
      const steps = [at(0), others(65 * second), ...[1, 2, 3].map((i) => at(65 * second, { userId: `filler-${i}` }))];
      feed(state, ...steps);
      assert.deepEqual(feed(state, at(20 * second)), [[]]);
      assert.equal(feed(state, at(20 * second + 1))[0]?.length, 1);
    });

    it('records events during the cooldown, so that a later run contains them', () => {
      const state = ShardState.empty(compiled([{ count: { atLeast: 2, within: 'PT10S' }, cooldown: 'PT5S' }]), wholeRange);
      const raised = feed(state, at(0), at(second), at(6 * second), at(7 * second)).map((alerts) => alerts.length);
      assert.deepEqual(raised, [0, 1, 0, 1]);
    });

    it('shows the first and last 50 of more than 100 events', () => {
      const state = ShardState.empty(compiled([{ count: { atLeast: 101, within: 'PT10M' } }]), wholeRange);
      const events = Array.from({ length: 101 }, (_, i) => at(i));
      const alert = feed(state, ...events).at(-1)?.[0];
      assert.ok(typeof alert === 'object');
      assert.deepEqual([alert.value, alert.evidenceCount, alert.evidence.length], [101, 101, 100]);
      assert.deepEqual(
        alert.evidence.slice(49, 51).map(({ eventId }) => eventId),
        [events[49]?.eventId, events[51]?.eventId],
      );
    });

    it('bounds what one key can take, and counts what that costs', () => {
      const state = ShardState.empty(compiled([{ count: { atLeast: 3, within: 'PT10M' } }]), wholeRange, { maxEventsPerKey: 5 });
      feed(state, ...Array.from({ length: 8 }, (_, i) => at(i)));
      assert.equal(state.size.evicted, 3);
    });

    it('tries rules in file order, skips those that are off, and matches every field of when', () => {
      const count = { atLeast: 1, within: 'PT0S' };
      const state = ShardState.empty(
        compiled([
          { id: 'b', count, mode: 'shadow', when: { type: ['cancelled'], seats: [1, 2] } },
          { id: 'off', count, mode: 'off' },
          { id: 'missing', count, when: { traceparent: ['00-1'], constructor: [null] } },
          { id: 'text', count, when: { seats: ['2'] } },
          { id: 'a', count },
        ]),
        wholeRange,
      );
      const [alerts] = feed(state, at(0));
      assert.ok(Array.isArray(alerts));
      assert.deepEqual(
        alerts.map(({ ruleId, mode }) => [ruleId, mode]),
        [
          ['b', 'shadow'],
          ['a', 'live'],
        ],
      );
    });
  });

  describe('the other conditions', () => {
    const eager = { partitionBits: 0 };
    const only = (spec: Partial<RuleSpec>) => ShardState.empty(compiled([{ count: undefined, ...spec }]), wholeRange, eager);
    const raised = (results: ReturnType<typeof feed>) => results.map((alerts) => (typeof alerts === 'string' ? alerts : alerts.length));

    it('add amounts exactly, however large others of the key are', () => {
      const huge = Number.MAX_SAFE_INTEGER;
      const amounts = [huge, huge, huge, 1, 1, 1].map((amountMinor, i) => at(i * 10, { amountMinor }));
      const state = only({ when: { currency: ['EUR'] }, sum: { field: 'amountMinor', atLeast: 3, within: 'PT1S' } });
      const values = feed(state, ...amounts).map((alerts) =>
        typeof alerts === 'string' ? [] : [alerts[0]?.value, alerts[0]?.evidenceCount],
      );
      assert.deepEqual(values.slice(3), [
        [huge + 1, 2],
        [huge + 1 + 1, 3],
        [3, 3],
      ]);
    });

    it('keep an unused open as long as a close can reach it, and a pair as long as another can join it', () => {
      const pairs = {
        open: 'reserved' as const,
        close: 'cancelled' as const,
        on: 'bookingId',
        atLeast: 1,
        maxGap: 'PT40S',
        within: 'PT0S',
      };
      const open = at(0, { type: 'reserved', bookingId: 'b' });
      const close = at(40 * second, { bookingId: 'b' });
      const wide = only({ when: {}, pairs });
      assert.deepEqual(raised(feed(wide, open, at(85 * second, { type: 'reserved' }), close)), [0, 0, 1], 'the horizon is the close');

      const narrow = only({ when: {}, pairs: { ...pairs, maxGap: 'PT1S', within: 'PT40S', atLeast: 2 } });
      const pair = (ms: number) => [at(ms, { type: 'reserved', bookingId: `p${ms}` }), at(ms, { bookingId: `p${ms}` })];
      assert.deepEqual(raised(feed(narrow, ...pair(0), at(85 * second, { type: 'reserved' }), ...pair(40 * second))), [0, 0, 0, 0, 1]);
    });

    it('let go of values, and of an open with its pair, once they can no longer matter', () => {
      const pairs = { open: 'reserved', close: 'cancelled', on: 'bookingId', atLeast: 2, maxGap: 'PT1S', within: 'PT1S' } as const;
      for (const spec of [
        { when: {}, pairs },
        { when: {}, distinct: { field: 'bookingId', atLeast: 3, within: 'PT1S' } },
      ]) {
        const state = only(spec);
        for (let i = 0; i < 500; i++) {
          const bookingId = `b-${i}`;
          feed(state, at(i * 30 * second, { bookingId, type: 'reserved' }), at(i * 30 * second + 1, { bookingId }));
          feed(state, at(i * 30 * second + 2, { bookingId: `open-${i}`, type: 'reserved' }));
        }
        assert.ok(state.size.values > 0 && state.size.values < 10, JSON.stringify(state.size));
        assert.ok(state.size.events < 20, JSON.stringify(state.size));
      }
    });

    it('put the evidence of pairs in time order, also when one begins within another', () => {
      const state = only({
        when: {},
        pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', atLeast: 2, maxGap: 'PT1M', within: 'PT1M' },
      });
      const events = [0, 1, 2, 3].map((i) => at(i * second, { bookingId: `b-${i % 2}`, type: i < 2 ? 'reserved' : 'cancelled' }));
      const alerts = feed(state, ...events).at(-1);
      assert.ok(typeof alerts === 'object');
      assert.deepEqual(
        alerts[0]?.evidence.map(({ eventId }) => eventId),
        events.map(({ eventId }) => eventId),
      );
    });

    it('know the first events of a session however long it grows, and its end', () => {
      const state = only({ session: { gap: 'PT10S', atLeast: 3 } });
      const events = Array.from({ length: 40 }, (_, i) => at(i * 10 * second));
      assert.deepEqual(raised(feed(state, ...events)), [0, 0, 1, ...Array<number>(37).fill(0)], 'one alert for one session');
      assert.ok(state.size.events < 12, `${state.size.events} events are kept`);
      // Between the watermark − lateness and the end: still the same session, from a restart too.
      const restored = ShardState.restore(compiled([{ count: undefined, session: { gap: 'PT10S', atLeast: 3 } }]), state.snapshot(), eager);
      for (const it of [state, restored]) {
        assert.deepEqual(raised(feed(it, at(345 * second), at(400 * second))), [0, 0]);
        assert.deepEqual(
          raised(feed(it, at(410 * second + 1), at(411 * second), at(412 * second))),
          [0, 0, 1],
          'a gap one millisecond longer',
        );
      }
    });
  });

  describe('a session that grows beyond the bound of its key', () => {
    const rules = compiled([{ count: undefined, session: { gap: 'PT1S', atLeast: 3 } }]);
    const limits = { maxEventsPerKey: 5, partitionBits: 0 };
    const numbers = (results: ReturnType<typeof feed>) => results.map((alerts) => (typeof alerts === 'string' ? alerts : alerts.length));
    const ofTwenty = [0, 0, 1, ...Array<number>(17).fill(0)];
    let state = ShardState.empty(rules, wholeRange, limits);

    beforeEach(() => {
      state = ShardState.empty(rules, wholeRange, limits);
      const events = Array.from({ length: 20 }, (_, i) => at(i * second));
      assert.deepEqual(numbers(feed(state, ...events)), ofTwenty, 'with another first event it would be raised anew each time');
      assert.equal(state.size.evicted, 15);
    });

    it('raises one alert, and none for late events in it or in front of what is left of it, from a restart too', () => {
      for (const it of [ShardState.restore(rules, state.snapshot(), limits), state]) {
        assert.deepEqual(numbers(feed(it, at(16.5 * second), at(16 * second), at(15 * second), at(20 * second))), [0, 0, 0, 0]);
      }
    });

    it('is over after a pause: the next one is told of', () => {
      const events = [0, 1, 2, 3].map((i) => at(20 * second + 1 + i * second));
      assert.deepEqual(numbers(feed(state, ...events)), [0, 0, 1, 0]);
    });

    it('does not silence the one that follows it', () => {
      const fresh = ShardState.empty(rules, wholeRange, limits);
      feed(fresh, ...[0, 10, 11, 20, 30, 40].map((seconds) => at(seconds * second)));
      assert.equal(fresh.size.evicted, 1);
      assert.deepEqual(numbers(feed(fresh, at(12 * second))), [1]);
    });
  });

  it('comes back where it has a range of one hash', () => {
    const rules = compiled([{}]);
    const hash = hashKeyOf('user-1');
    const state = ShardState.empty(rules, { start: hash, end: hash });
    const first = at(0);
    feed(state, first);
    assert.deepEqual(feed(ShardState.restore(rules, state.snapshot()), first), ['duplicate']);
  });

  it('holds back an alert at the very end of a cooldown, at the very horizon, after a restart', () => {
    const rules = compiled([{ count: { atLeast: 1, within: 'PT1S' }, cooldown: 'PT10S' }]);
    const state = ShardState.empty(rules, wholeRange);
    feed(state, at(0), at(55 * second, { userId: 'user-2' })); // disorder and lateness: the horizon is at 10 s
    for (const it of [ShardState.restore(rules, state.snapshot()), state]) {
      const [held, raised] = feed(it, at(10 * second), at(10 * second + 1));
      assert.deepEqual([held?.length, raised?.length], [0, 1]);
    }
  });

  it('finds the session of an event at its gap behind the last one, at the very horizon, after a restart', () => {
    const rules = compiled([{ count: undefined, session: { gap: 'PT10S', atLeast: 2 } }]);
    const state = ShardState.empty(rules, wholeRange);
    feed(state, at(0), at(55 * second, { userId: 'user-2' })); // disorder and lateness: the horizon is at 10 s
    const restored = ShardState.restore(rules, state.snapshot());
    assert.equal(feed(restored, at(10 * second))[0]?.length, 1);
  });

  it('is as it was when a rule throws', () => {
    const rules = compiled([{ count: { atLeast: 2, within: 'PT10S' } }]);
    let broken = true;
    const faulty = {
      ...rules.rules[0],
      matches: () => {
        if (broken) throw new Error('broken rule');
        return true;
      },
    } as (typeof rules.rules)[number];
    const state = ShardState.empty({ ...rules, rules: [...rules.rules, faulty] }, wholeRange);
    const [first, next] = [at(0), at(100)];
    assert.throws(() => state.apply(first, start), /broken rule/);
    assert.equal(state.watermarkOf('user-1'), Number.NEGATIVE_INFINITY);
    broken = false;
    assert.deepEqual(feed(state, first), [[]], 'not a duplicate: it was never used');
    assert.equal(feed(state, next)[0]?.length, 2);
  });

  describe('after a reshard', () => {
    const rules = compiled([{ count: { atLeast: 2, within: 'PT10M' }, cooldown: 'PT1H' }]);
    const hash = hashKeyOf('user-1');

    it('keeps the keys of its range, and only those', () => {
      const parent = ShardState.empty(rules, wholeRange);
      const event = at(0);
      feed(parent, event);
      const mine = ShardState.fromParents(rules, [parent], { start: hash, end: hash });
      const other = ShardState.fromParents(rules, [parent], { start: hash + 1n, end: wholeRange.end });
      const held = ({ size: { ids, keys, events, evicted } }: ShardState) => ({ ids, keys, events, evicted });
      assert.deepEqual(held(mine), { ids: 1, keys: 1, events: 1, evicted: 0 });
      assert.deepEqual(held(other), { ids: 1, keys: 0, events: 0, evicted: 0 }, 'an id names one key, so it may stay');
      assert.deepEqual(feed(mine, event), ['duplicate']);
    });

    it('takes from a parent only keys of the parent: a record that was put on a shard by another hash key stops no merge', () => {
      const [left, right] = [
        ShardState.empty(rules, { start: 0n, end: hash }),
        ShardState.empty(rules, { start: hash + 1n, end: wholeRange.end }),
      ];
      feed(left, at(0));
      feed(right, at(0));
      const merged = ShardState.fromParents(rules, [left, right], wholeRange);
      assert.equal(merged.size.events, 1);
    });

    it('leaves the parent alone: two children of one parent do not see each other', () => {
      const parent = ShardState.empty(rules, wholeRange);
      feed(parent, at(0));
      const children = [1, 2].map(() => ShardState.fromParents(rules, [parent], wholeRange));
      assert.deepEqual(
        children.map((child) => feed(child, at(second))[0]?.length),
        [1, 1],
      );
    });

    it('never lets the watermark of a key fall in a merge, so that what was late stays late', () => {
      const cut = hash + 1n;
      const [left, right] = [
        ShardState.empty(rules, { start: 0n, end: cut - 1n }),
        ShardState.empty(rules, { start: cut, end: wholeRange.end }),
      ];
      feed(left, at(0), at(3_600 * second));
      const merged = ShardState.fromParents(rules, [left, right], wholeRange);
      const grandchild = ShardState.fromParents(rules, [merged], wholeRange);
      for (const state of [merged, grandchild]) {
        assert.equal(state.watermarkOf('user-1'), start + 3_570 * second);
        assert.deepEqual(feed(state, at(0)), ['late']);
      }
    });

    it('cuts a floor down to the range it is passed on to, a single hash included', () => {
      const floors = new Floors([{ range: { start: 5n, end: 9n }, watermark: 7 }]);
      assert.deepEqual(floors.within({ start: 9n, end: 20n }), [{ range: { start: 9n, end: 9n }, watermark: 7 }]);
      assert.deepEqual(floors.within({ start: 10n, end: 20n }), []);
    });

    it('forgets a floor when the watermark has reached it, and no other', () => {
      const floors = new Floors([5, 7, 8].map((watermark, i) => ({ range: { start: hash, end: hash + BigInt(i) }, watermark })));
      floors.passed(6);
      assert.equal(floors.at('user-1'), 8);
      floors.passed(7);
      assert.deepEqual(floors.within(wholeRange), [{ range: { start: hash, end: hash + 2n }, watermark: 8 }]);
      floors.passed(8);
      assert.equal(floors.at('user-1'), Number.NEGATIVE_INFINITY);
    });
  });

  it('reads durations to the millisecond', () => {
    assert.deepEqual(compiled([], { disorder: millis(1_250), lateness: 'P1DT2H3M4.5S' }).time, {
      disorderMs: 1_250,
      latenessMs: 93_784_500,
      maxAheadMs: 300_000,
    });
  });
});
