import assert from 'node:assert/strict';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import { type HashRange, hashKeyOf, inRange } from '../../../../services/lib/kcl/shards.ts';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import type { MemoryLimits } from '../../../../services/lib/rules/memory-limits.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { SnapshotError } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';
import { bookingEvent, type RuleSpec, rule, start, wholeRange } from '../../../oracle/scenario.ts';

const compiled = (...specs: Partial<RuleSpec>[]) =>
  compileRules({
    time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' },
    rules: specs.map((spec, i) => rule({ id: `rule-${i}`, ...spec })),
  });

let bookings = 0;
const at = (ms: number, of: Partial<BookingEvent> = {}): BookingEvent =>
  bookingEvent({ bookingId: `booking-${bookings++}`, occurredAt: start + ms, ...of });

const feed = (state: ShardState, ...events: BookingEvent[]) =>
  events.map((event) => {
    const applied = state.apply(event, undefined);
    return applied.kind === 'used' ? applied.alerts : applied.reason;
  });

const two = { count: { atLeast: 2, within: 'PT10M' } };

describe('a snapshot of a shard state', () => {
  it('brings back ids, watermark, range, floors, keys of any kind and cooldowns', () => {
    const rules = compiled({ ...two, cooldown: 'PT1H' });
    const [left, right] = [0n, 2n ** 127n].map((from) => ShardState.empty(rules, { start: from, end: from + 2n ** 127n - 1n }));
    const keys = ['user-1', 'k'.repeat(40), 'k'.repeat(41), 'ü', '\ud800', '\0'];
    const first = keys.map((userId) => at(0, { userId }));
    feed(left as ShardState, ...first, at(100, { userId: 'ü' }));
    feed(right as ShardState, at(3_600_000, { userId: 'other' }));
    const merged = ShardState.fromParents(rules, [left as ShardState, right as ShardState], wholeRange);
    const restored = ShardState.restore(rules, merged.snapshot());
    for (const key of [...keys, 'other', 'never seen']) assert.equal(restored.watermarkOf(key), merged.watermarkOf(key), key);
    const next = [...first, ...keys.map((userId) => at(200, { userId })), at(4_000_000)];
    assert.deepEqual(feed(restored, ...next), feed(merged, ...next));
    // Each table hashes in its own way, so that the bytes in use may differ.
    const held = ({ size }: ShardState) => ({ ...size, bytes: 0 });
    assert.deepEqual(held(ShardState.restore(rules, merged.snapshot())), held(ShardState.restore(rules, restored.snapshot())));
  });

  it('is read from a stream too', async () => {
    const rules = compiled(two);
    const state = ShardState.empty(rules, wholeRange);
    feed(state, at(0));
    const chunks = (async function* () {
      yield* state.snapshot();
    })();
    const restored = await ShardState.restoreStream(rules, chunks);
    assert.equal(feed(restored, at(1))[0]?.length, 1);
  });

  it('leaves rules that it does not know empty, and passes over those that are gone or have another version', () => {
    const state = ShardState.empty(compiled({ id: 'gone', ...two }, { id: 'stays', ...two }, { id: 'raised', ...two }), wholeRange);
    feed(state, at(0));
    const rules = compiled({ id: 'new', ...two }, { id: 'raised', version: 2, ...two }, { id: 'stays', ...two });
    const restored = ShardState.restore(rules, state.snapshot());
    const [alerts] = feed(restored, at(1));
    assert.ok(Array.isArray(alerts));
    assert.deepEqual(
      alerts.map(({ ruleId }) => ruleId),
      ['stays'],
    );
  });

  it('lets nothing count again under rules with a longer lateness: what was late stays late, in inherited ranges too', () => {
    const withLateness = (latenessMs: number) => ({ ...compiled(two), time: { disorderMs: 0, latenessMs, maxAheadMs: 0 } });
    const [short, long] = [withLateness(10_000), withLateness(600_000)];
    const eager = { partitionBits: 0 };
    const state = ShardState.empty(short, wholeRange, eager);
    const [late, kept] = [at(10_000, { userId: 'user-2' }), at(20_000)];
    feed(state, late, kept, at(30_000, { userId: 'user-3' }));
    const child = ShardState.fromParents(short, [state], wholeRange, eager); // its parent's watermark is a floor
    for (const before of [state, child]) {
      const once = ShardState.restore(long, before.snapshot(), eager);
      const twice = ShardState.restore(long, once.snapshot(), eager);
      const back = ShardState.restore(short, once.snapshot(), eager);
      for (const restored of [once, twice, back]) assert.deepEqual(feed(restored, late, kept), ['late', 'duplicate']);
      const later = [630_000, 30_000, 29_999].map((ms, i) => at(ms, { userId: `other-${i}` }));
      assert.deepEqual(feed(once, ...later), [[], [], 'late'], 'the longer one holds from then on');
    }
    const fresh = ShardState.restore(long, ShardState.empty(short, wholeRange).snapshot());
    assert.equal(ShardState.restore(long, fresh.snapshot()).watermarkOf('user-1'), Number.NEGATIVE_INFINITY);
  });

  it('ends the one before it, which cannot be taken for whole', () => {
    const rules = compiled(two);
    const state = ShardState.empty(rules, wholeRange);
    feed(state, ...Array.from({ length: 3_000 }, (_, i) => at(i, { userId: `user-${i}` })));
    const older = state.snapshot();
    const frames = [older.next().value, older.next().value].filter((frame) => frame !== undefined);
    const newer = state.snapshot();
    assert.throws(() => [...older], /newer snapshot/);
    assert.throws(() => ShardState.restore(rules, frames), SnapshotError);
    assert.equal(ShardState.restore(rules, newer).size.keys, 3_000);
  });

  it('may be given up, after however many frames, without effect on the next or on what is forgotten', () => {
    const rules = compiled(two);
    const state = ShardState.empty(rules, wholeRange);
    feed(state, ...Array.from({ length: 3_000 }, (_, i) => at(i, { userId: `user-${i}` })));
    for (const read of [0, 1, 2]) {
      const snapshot = state.snapshot();
      for (let i = 0; i < read; i++) snapshot.next();
      snapshot.return(undefined);
      const from = (read + 1) * 3_600_000;
      feed(state, ...Array.from({ length: 3_000 }, (_, i) => at(from + i, { userId: `user-${read}-${i}` })));
      assert.equal(ShardState.restore(rules, state.snapshot()).size.keys, 3_000);
      assert.ok(state.size.ids < 6_000 && state.size.keys < 6_000, `after ${read} frames: ${JSON.stringify(state.size)}`);
    }
  });
});

describe('the bound on all events of a rule', () => {
  const limits: Partial<MemoryLimits> = { maxEventsPerRule: 18, partitionBits: 0 };
  const rules = compiled({ count: { atLeast: 3, within: 'PT10M' } });
  const events = Array.from({ length: 400 }, (_, i) => at(i * 7_000 - ((i * 7_919) % 20_000), { userId: `user-${i % 9}` }));

  it('drops the oldest times first, counts them, and raises fewer alerts but no false ones', () => {
    const [bounded, whole] = [ShardState.empty(rules, wholeRange, limits), ShardState.empty(rules, wholeRange)];
    const alertsOf = (state: ShardState) =>
      feed(state, ...events)
        .filter((alerts) => typeof alerts !== 'string')
        .flat();
    const raised = alertsOf(bounded);
    const expected = alertsOf(whole);
    assert.ok(bounded.size.evicted > 50 && bounded.size.events < 40, JSON.stringify(bounded.size));
    assert.equal(whole.size.evicted, 0);
    assert.ok(raised.length > 10 && raised.length < expected.length, `${raised.length} ${expected.length}`);
  });

  it('is the same after a restart at any point', () => {
    const expected = feed(ShardState.empty(rules, wholeRange, limits), ...events);
    let state = ShardState.empty(rules, wholeRange, limits);
    const found = events.flatMap((event, i) => {
      if (i % 13 === 0) state = ShardState.restore(rules, state.snapshot(), limits);
      return feed(state, event);
    });
    assert.deepEqual(found, expected);
    const straight = ShardState.empty(rules, wholeRange, limits);
    feed(straight, ...events);
    assert.equal(state.size.evicted, straight.size.evicted);
  });

  it('takes no session for a new one because its beginning was dropped', () => {
    const sessions = compiled({ count: undefined, session: { gap: 'PT1M', atLeast: 3 } });
    const unbroken = Array.from({ length: 400 }, (_, i) => at(i * 3_000, { userId: `user-${i % 9}` }));
    const apart = [0, 1, 2].map((i) => at(2_000_000 + i * 1_000));
    const alertsOf = (state: ShardState) => feed(state, ...unbroken, ...apart).flat();
    const bounded = ShardState.empty(sessions, wholeRange, { ...limits, maxEventsPerRule: 30 });
    const raised = alertsOf(bounded);
    assert.ok(bounded.size.evicted > 100, `${bounded.size.evicted}`);
    assert.equal(raised.length, 10, 'one a session');
    assert.deepEqual(raised, alertsOf(ShardState.empty(sessions, wholeRange)));
  });

  it('leaves a session alone that begins too late to have had an event among those dropped, to the millisecond', () => {
    const sessions = compiled({ count: undefined, session: { gap: 'PT0.010S', atLeast: 2 } });
    const slicesOf1Ms = { ...sessions, time: { disorderMs: 0, latenessMs: 40, maxAheadMs: 0 } };
    const state = ShardState.empty(slicesOf1Ms, wholeRange, { maxEventsPerRule: 4 });
    feed(state, ...Array.from({ length: 5 }, (_, i) => at(0, { userId: `other-${i}` })));
    assert.equal(state.size.evicted, 5);
    assert.deepEqual(feed(state, at(10), at(10)), [[], []], 'with one of these it would have been a session');
    const [, alerts] = feed(state, at(11, { userId: 'user-2' }), at(11, { userId: 'user-2' }));
    assert.equal(alerts?.length, 1);
  });

  it('keeps what lies at the first time that was not dropped, and nothing before it', () => {
    for (const condition of [{ count: { atLeast: 2, within: 'PT0.001S' } }, { count: undefined, session: { gap: 'PT0S', atLeast: 2 } }]) {
      const slicesOf1Ms = { ...compiled(condition), time: { disorderMs: 0, latenessMs: 40, maxAheadMs: 0 } };
      const state = ShardState.empty(slicesOf1Ms, wholeRange, { maxEventsPerRule: 4 });
      feed(state, ...Array.from({ length: 5 }, (_, i) => at(0, { userId: `other-${i}` })));
      const [, atFloor, , before] = feed(state, at(1), at(1), at(1, { userId: 'user-2' }), at(0, { userId: 'user-2' }));
      assert.equal(atFloor?.length, 1);
      assert.deepEqual(before, []);
      assert.equal(state.size.evicted, 6);
    }
  });

  it('counts a pair once, and takes no open that was dropped', () => {
    const ofPairs = compiled({
      when: {},
      count: undefined,
      pairs: { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT0.010S', atLeast: 1, within: 'PT0S' },
    });
    const slicesOf1Ms = { ...ofPairs, time: { disorderMs: 0, latenessMs: 40, maxAheadMs: 0 } };
    const state = ShardState.empty(slicesOf1Ms, wholeRange, { maxEventsPerRule: 4 });
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((bookingId) => ({ bookingId, userId: `user-${bookingId}` }));
    const reserved = (ms: number, of: typeof a) => at(ms, { ...of, type: 'reserved' });
    feed(state, reserved(0, a), at(0, a), reserved(0, b), at(0, b), reserved(0, c), reserved(0, d));
    assert.equal(state.size.evicted, 0, 'two pairs and two opens');
    feed(state, reserved(0, e));
    assert.equal(state.size.evicted, 5);
    assert.deepEqual(feed(state, at(1, c)), [[]]);
    assert.equal(feed(state, { ...reserved(1, e), eventId: 'f'.repeat(32) }, at(1, e))[1]?.length, 1);
  });

  it('makes an event that lies before what was dropped count as dropped too', () => {
    const state = ShardState.empty(rules, wholeRange, { ...limits, maxEventsPerRule: 5 });
    feed(state, ...Array.from({ length: 10 }, (_, i) => at(20_000 + i * 1_000)));
    const { evicted } = state.size;
    assert.ok(evicted > 0);
    feed(state, at(0));
    assert.equal(state.size.evicted, evicted + 1);
  });
});

describe('the bound on event ids', () => {
  const rules = compiled({ count: { atLeast: 3, within: 'PT10M' } });
  const limits: Partial<MemoryLimits> = { maxIds: 15, partitionBits: 0 };
  const spread = (i: number): number => i * 500 - ((i * 7_919) % 20_000);
  const events = Array.from({ length: 400 }, (_, i) => at(spread(i), { userId: `user-${i % 9}` }));
  const repeated = events.flatMap((event, i) => [event, events[Math.max(0, i - (i % 17))] as BookingEvent]);

  it('holds, uses no event twice, and makes late what might have come before', () => {
    const [bounded, whole] = [ShardState.empty(rules, wholeRange, limits), ShardState.empty(rules, wholeRange)];
    const [found, expected] = [feed(bounded, ...repeated), feed(whole, ...repeated)];
    const reasons = new Set<string>();
    found.forEach((result, i) => {
      if (typeof result !== 'string' || result === expected[i]) return;
      assert.equal(result, 'late', `event ${i}`);
      reasons.add(typeof expected[i] === 'string' ? expected[i] : 'used');
    });
    assert.deepEqual([...reasons].sort(), ['duplicate', 'used']);
    assert.ok(bounded.size.ids <= 25 && whole.size.ids > 50, `${bounded.size.ids} ${whole.size.ids}`);
    const used = repeated.filter((_, i) => typeof found[i] !== 'string').map(({ eventId }) => eventId);
    assert.equal(new Set(used).size, used.length);
  });

  it('is the same after a restart at any point', () => {
    const expected = feed(ShardState.empty(rules, wholeRange, limits), ...repeated);
    let state = ShardState.empty(rules, wholeRange, limits);
    const found = repeated.flatMap((event, i) => {
      if (i % 7 === 0) state = ShardState.restore(rules, state.snapshot(), limits);
      return feed(state, event);
    });
    assert.deepEqual(found, expected);
  });

  it('counts after a restart only what it counted before', () => {
    const slicesOf1Ms = { ...rules, time: { disorderMs: 0, latenessMs: 40, maxAheadMs: 0 } };
    let state = ShardState.empty(slicesOf1Ms, wholeRange, { maxIds: 4 });
    feed(state, at(0), at(0), at(40), at(40)); // time has passed the first two, though they would still be known
    state = ShardState.restore(slicesOf1Ms, state.snapshot(), { maxIds: 4 });
    assert.deepEqual(feed(state, at(40, { userId: 'a' }), at(40, { userId: 'b' }), at(0, { userId: 'c' })), [[], [], []]);
  });

  it('does not count ids that time has passed', () => {
    const state = ShardState.empty(rules, wholeRange, limits);
    feed(state, ...Array.from({ length: 200 }, (_, i) => at(i * 5_000, { userId: `user-${i}` })));
    assert.deepEqual(feed(state, at(199 * 5_000 - 45_000), at(199 * 5_000 - 45_001)), [[], 'late']);
  });

  const slicesOf1Ms = { ...rules, time: { disorderMs: 0, latenessMs: 40, maxAheadMs: 0 } };

  it('leaves a child of two no ids that one of them has dropped, whether their memory was taken back or not', () => {
    const [low, high] = [0n, 2n ** 127n].map((from) => ({ start: from, end: from + 2n ** 127n - 1n })) as [HashRange, HashRange];
    const userIn = (range: HashRange): string => {
      for (let i = 0; ; i++) if (inRange(hashKeyOf(`user-${i}`), range)) return `user-${i}`;
    };
    const bounded = ShardState.empty(slicesOf1Ms, low, { maxIds: 4 });
    feed(bounded, ...Array.from({ length: 5 }, () => at(10, { userId: userIn(low) })));
    const other = ShardState.empty(slicesOf1Ms, high, { maxIds: 4 });
    feed(other, ...[3, 5].map((ms) => at(ms, { userId: userIn(high) })));
    const child = ShardState.fromParents(slicesOf1Ms, [bounded, other], wholeRange, { maxIds: 4 });
    const applied = feed(child, ...[4, 4].map((ms) => at(ms, { userId: userIn(high) })));
    assert.deepEqual(
      applied.filter((result) => typeof result === 'string'),
      [],
    );
  });

  it('makes late what lies before the first time whose ids were not dropped, to the millisecond', () => {
    const state = ShardState.empty(slicesOf1Ms, wholeRange, { maxIds: 4 });
    feed(state, ...Array.from({ length: 5 }, (_, i) => at(10, { userId: `user-${i}` })));
    assert.deepEqual(feed(state, at(10), at(11)), ['late', []]);
  });

  it('ends with the events that reached it', () => {
    const state = ShardState.empty(rules, wholeRange, limits);
    feed(state, ...events);
    const end = (events.at(-1)?.occurredAt ?? 0) - start;
    assert.deepEqual(feed(state, at(end + 100_000, { userId: 'a' }), at(end + 60_000, { userId: 'b' })), [[], []]);
  });
});

describe('the bound on the events of all rules', () => {
  it('gives each rule its share', () => {
    const rules = compileRules({
      time: { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' },
      rules: [1, 2, 3].map((n) => rule({ id: `rule-${n}` })),
    });
    const [shared, alone] = [{ maxEvents: 30 }, { maxEventsPerRule: 10 }].map((limits) => ShardState.empty(rules, wholeRange, limits));
    const events = Array.from({ length: 50 }, (_, i) => at(i * 1_000, { userId: `user-${i}` }));
    for (const state of [shared, alone]) feed(state as ShardState, ...events);
    assert.ok((shared?.size.evicted ?? 0) >= 3 * 40);
    assert.equal(shared?.size.evicted, alone?.size.evicted);
  });
});
