import assert from 'node:assert/strict';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { BookingEvent } from '../../../../services/lib/events/booking-event.ts';
import type { Alert } from '../../../../services/lib/rules/alert.ts';
import { compileRules } from '../../../../services/lib/rules/compile.ts';
import { ShardState } from '../../../../services/lib/rules/shard-state.ts';
import { bookingEvent, type RuleSpec, rule, start, wholeRange } from '../../../oracle/scenario.ts';

const time = { disorder: 'PT30S', lateness: 'PT15S', maxAhead: 'PT5M' };
const compiled = (specs: RuleSpec[], of: Partial<typeof time> = {}) => compileRules({ time: { ...time, ...of }, rules: specs.map(rule) });
const two = { count: { atLeast: 2, within: 'PT10M' } };

let bookings = 0;
const at = (seconds: number, of: Partial<BookingEvent> = {}): BookingEvent =>
  bookingEvent({ bookingId: `booking-${bookings++}`, occurredAt: start + seconds * 1_000, ...of });

const alertsOf = (state: ShardState, event: BookingEvent): readonly Alert[] => {
  const applied = state.apply(event, undefined);
  return applied.kind === 'used' ? applied.alerts : [];
};
const raisedBy = (state: ShardState, event: BookingEvent): string[] => alertsOf(state, event).map(({ ruleId }) => ruleId);

describe('a shard that switches to other rules', () => {
  for (const [what, change] of [
    ['whose time is the same', {}],
    ['with a longer lateness', { lateness: 'PT20M' }],
    ['with a shorter disorder', { disorder: 'PT0S' }],
  ] as const) {
    it(`${what} keeps what a rule known by id and version remembers, and its cooldown, whatever its place in the file`, async () => {
      const state = ShardState.empty(
        compiled([
          { id: 'gone', ...two },
          { id: 'cools', ...two, cooldown: 'PT10M' },
          { id: 'raised', ...two },
          { id: 'stays', count: { atLeast: 3, within: 'PT10M' } },
        ]),
        wholeRange,
      );
      for (const seconds of [0, 1]) alertsOf(state, at(seconds));
      const next = await state.switchRules(
        compiled(
          [
            { id: 'stays', count: { atLeast: 3, within: 'PT10M' } },
            { id: 'new', ...two },
            { id: 'raised', version: 2, ...two },
            { id: 'cools', ...two, cooldown: 'PT10M' },
          ],
          change,
        ),
      );
      assert.deepEqual(raisedBy(next, at(2)), ['stays']);
      assert.deepEqual(raisedBy(next, at(3)), ['stays', 'new', 'raised']);
      assert.deepEqual(raisedBy(next, at(602)), ['stays', 'new', 'raised', 'cools']);
    });
  }

  it('begins a rule anew that was dropped and comes back', () => {
    const [both, one] = [
      compiled([
        { id: 'a', ...two },
        { id: 'b', ...two },
      ]),
      compiled([{ id: 'b', ...two }]),
    ];
    const state = ShardState.empty(both, wholeRange);
    alertsOf(state, at(0));
    for (const rules of [one, both]) assert.equal(state.switchRules(rules), state, 'the same tables');
    assert.deepEqual(raisedBy(state, at(1)), ['b']);
  });

  it('lets a snapshot under way go on as it was, where the time stays', async () => {
    const [before, after] = [
      compiled([
        { id: 'a', ...two },
        { id: 'b', ...two },
      ]),
      compiled([
        { id: 'c', ...two },
        { id: 'b', ...two },
      ]),
    ];
    const state = ShardState.empty(before, wholeRange);
    const users = Array.from({ length: 3_000 }, (_, i) => `user-${i}`);
    for (const userId of users) alertsOf(state, at(0, { userId }));
    const snapshot = state.snapshot();
    const frames = [snapshot.next().value, snapshot.next().value];
    await state.switchRules(after);
    for (const userId of users) assert.deepEqual(raisedBy(state, at(1, { userId })), ['b']);
    const restored = ShardState.restore(
      before,
      [...frames, ...snapshot].filter((frame) => frame !== undefined),
    );
    assert.equal(restored.size.events, 6_000);
    for (const userId of users) assert.deepEqual(raisedBy(restored, at(1, { userId })), ['a', 'b']);
  });

  it('lets other work run while it is copied because the time changes', async () => {
    const state = ShardState.empty(compiled([{ id: 'a', ...two }]), wholeRange);
    for (let i = 0; i < 10_000; i++) alertsOf(state, at(0, { userId: `user-${i}` }));
    const frames = [...state.snapshot()].length;
    let turns = 0;
    let done = false;
    const switched = Promise.resolve(state.switchRules(compiled([{ id: 'a', ...two }], { lateness: 'PT1H' }))).finally(() => (done = true));
    while (!done) {
      await otherWork();
      turns++;
    }
    assert.ok(frames > 5 && turns >= frames - 2, `${turns} turns, ${frames} frames`);
    assert.equal((await switched).size.keys, 10_000);
  });

  it('shares the bound of all rules among those there are now', async () => {
    const [one, three] = [compiled([{ id: 'a' }]), compiled(['a', 'b', 'c'].map((id) => ({ id })))];
    const state = ShardState.empty(one, wholeRange, { maxEvents: 30, partitionBits: 0 });
    const alone = ShardState.empty(one, wholeRange, { maxEvents: 30, partitionBits: 0 });
    const fill = (of: ShardState): number => {
      for (let i = 0; i < 12; i++) alertsOf(of, at(i * 8, { userId: `user-${i}` }));
      return of.size.evicted;
    };
    await state.switchRules(three);
    assert.ok(fill(state) > 0);
    assert.equal(fill(alone), 0);
    const before = alone.size.events;
    await alone.switchRules(three);
    alertsOf(alone, at(100));
    assert.ok(alone.size.evicted > 0 && before === 12, 'a rule that is kept too');
  });
});

describe('an alert of a shard', () => {
  const spanned = (of: Partial<RuleSpec>): RuleSpec => ({ id: 'new', when: {}, ...of });
  const pairs = { open: 'reserved', close: 'cancelled', on: 'bookingId', maxGap: 'PT1M', atLeast: 1, within: 'PT10M' } as const;
  const rules: [string, RuleSpec, number][] = [
    ['count', spanned({ count: { atLeast: 1, within: 'PT10M' } }), 600],
    ['sum', spanned({ count: undefined, sum: { field: 'seats', atLeast: 1, within: 'PT1M' } }), 60],
    ['distinct', spanned({ count: undefined, distinct: { field: 'tourId', atLeast: 1, within: 'PT2M' } }), 120],
    ['pairs', spanned({ count: undefined, pairs }), 660],
    ['session', spanned({ count: undefined, session: { gap: 'PT1M', atLeast: 4 } }), 180],
  ];
  for (const [kind, spec, seconds] of rules) {
    it(`is warming as long as its rule, a new ${kind}, could look back to before it was there, to the millisecond`, async () => {
      const state = ShardState.empty(compiled([{ id: 'old', ...two }]), wholeRange);
      for (const each of [5, 3]) alertsOf(state, at(each));
      await state.switchRules(compiled([{ id: 'old', ...two }, spec]));
      const until = start + (5 + seconds) * 1_000;
      for (const restored of [state, ShardState.restore(compiled([{ id: 'old', ...two }, spec]), state.snapshot())]) {
        assert.deepEqual(
          [until, until + 1].map((atMs) => restored.isWarming({ ruleId: 'new', at: atMs })),
          [true, false],
        );
        assert.equal(restored.isWarming({ ruleId: 'old', at: start }), false);
      }
    });
  }

  it('is not warming where its rule has been from the first event on', async () => {
    const state = ShardState.empty(compiled([]), wholeRange);
    await state.switchRules(compiled([{ id: 'a', ...two }]));
    alertsOf(state, at(0));
    assert.equal(state.isWarming({ ruleId: 'a', at: start }), false);
  });

  it('is warming for a span after history that may be missing', () => {
    const state = ShardState.empty(compiled([{ id: 'a', ...two }]), wholeRange);
    state.missed(start);
    assert.deepEqual(
      [start + 600_000, start + 600_001].map((atMs) => state.isWarming({ ruleId: 'a', at: atMs })),
      [true, false],
    );
  });

  it('of a child is warming as long as the rule is new to one of its parents', async () => {
    const [a, ab] = [
      compiled([{ id: 'a', ...two }]),
      compiled([
        { id: 'a', ...two },
        { id: 'b', ...two },
      ]),
    ];
    const halves = [0n, 2n ** 127n].map((from) => ({ start: from, end: from + 2n ** 127n - 1n }));
    const [first, second] = halves.map((range) => ShardState.empty(a, range)) as [ShardState, ShardState];
    alertsOf(first, at(0));
    alertsOf(second, at(7));
    await first.switchRules(ab);
    const child = ShardState.fromParents(ab, [first, second], wholeRange);
    const grandchild = ShardState.fromParents(ab, [child], wholeRange);
    for (const state of [child, grandchild]) {
      assert.deepEqual(
        [607_000, 607_001].map((ms) => state.isWarming({ ruleId: 'b', at: start + ms })),
        [true, false],
      );
      assert.equal(state.isWarming({ ruleId: 'a', at: start }), false);
    }
    await child.switchRules(compiled([{ id: 'c', ...two }]));
    assert.equal(child.isWarming({ ruleId: 'c', at: start + 607_000 }), true, 'what its parents used before counts too');
  });
});
