import assert from 'node:assert/strict';
import fc from 'fast-check';
import { avg } from '../../../../services/lib/windows/aggregates/avg.ts';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { count } from '../../../../services/lib/windows/aggregates/count.ts';
import { distinct } from '../../../../services/lib/windows/aggregates/distinct.ts';
import { max, min } from '../../../../services/lib/windows/aggregates/extreme.ts';
import { several } from '../../../../services/lib/windows/aggregates/several.ts';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { GlobalWindows } from '../../../../services/lib/windows/assigners/global.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { CountEvictor } from '../../../../services/lib/windows/evictors/count.ts';
import { TimeEvictor } from '../../../../services/lib/windows/evictors/time.ts';
import { LookBackOperator } from '../../../../services/lib/windows/operators/look-back-operator.ts';
import { beamPanes } from '../../../../services/lib/windows/operators/pane.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { SnapshotError } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';
import type { InRange } from '../../../../services/lib/windows/state/floors.ts';
import { SlidingWindows } from '../../../../services/lib/windows/stream-time/sliding-windows.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../../services/lib/windows/triggers/first-of.ts';
import { PurgingTrigger } from '../../../../services/lib/windows/triggers/purging.ts';
import { RepeatTrigger } from '../../../../services/lib/windows/triggers/repeat.ts';
import { WindowError } from '../../../../services/lib/windows/window-error.ts';
import {
  lookBackRun,
  type Restartable,
  slicedRun,
  slidingRun,
  streamFixedRun,
  streamSessionsRun,
  tellAll,
  windowRun,
} from './plain/runs.ts';
import { outputs, type Step, steps, unordered } from './plain/steps.ts';

/** A range is a list of keys. */
const inRange: InRange = (key, range) => range.includes(key);
const everything = several({ count, sum, min, max, avg, distinct, all: collect<number>() });

const operators: Readonly<Record<string, () => Restartable>> = {
  'tumbling windows with lateness': () =>
    windowRun({ assigner: new TumblingWindows({ size: 7 }), aggregate: everything, allowedLateness: 5, inRange }, tellAll),
  'hopping windows': () =>
    windowRun({ assigner: new HoppingWindows({ size: 9, slide: 4, offset: -1 }), aggregate: everything, inRange }, tellAll),
  'hopping windows with a continuous trigger': () =>
    windowRun(
      { assigner: new HoppingWindows({ size: 12, slide: 5 }), aggregate: everything, trigger: new ContinuousEventTimeTrigger(3), inRange },
      tellAll,
    ),
  'sessions with lateness': () =>
    windowRun({ assigner: new SessionWindows({ gap: 5 }), aggregate: everything, allowedLateness: 6, inRange }, tellAll),
  'sessions with a purging count trigger': () =>
    windowRun(
      { assigner: new SessionWindows({ gap: 6 }), aggregate: everything, trigger: new PurgingTrigger(new CountTrigger(3)), inRange },
      tellAll,
    ),
  'sessions with a continuous trigger': () =>
    windowRun(
      { assigner: new SessionWindows({ gap: 9 }), aggregate: everything, trigger: new ContinuousEventTimeTrigger(4), inRange },
      tellAll,
    ),
  'stagger windows': () =>
    windowRun({ assigner: new StaggerWindows({ age: 8 }), aggregate: everything, allowedLateness: 3, inRange }, tellAll),
  'the global window with a continuous trigger': () =>
    windowRun({ assigner: new GlobalWindows(), aggregate: everything, trigger: new ContinuousEventTimeTrigger(5), inRange }, tellAll),
  "Beam's panes": () =>
    windowRun(
      {
        assigner: new TumblingWindows({ size: 10 }),
        aggregate: everything,
        trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(2), new EventTimeTrigger())),
        allowedLateness: 7,
        panes: beamPanes('discarding', 'always'),
        inRange,
      },
      tellAll,
    ),
  'a first-of trigger that closes its window': () =>
    windowRun(
      {
        assigner: new SessionWindows({ gap: 5 }),
        aggregate: everything,
        trigger: new FirstOfTrigger(new CountTrigger(3), new EventTimeTrigger()),
        allowedLateness: 7,
        panes: beamPanes('accumulating'),
        inRange,
      },
      tellAll,
    ),
  'a time evictor': () =>
    windowRun(
      {
        assigner: new GlobalWindows(),
        aggregate: everything,
        trigger: new CountTrigger(2),
        evictor: new TimeEvictor(9, 'after'),
        inRange,
      },
      tellAll,
    ),
  'a count evictor': () =>
    windowRun(
      {
        assigner: new TumblingWindows({ size: 20 }),
        aggregate: everything,
        trigger: new CountTrigger(2),
        evictor: new CountEvictor(3),
        inRange,
      },
      tellAll,
    ),
  'sliced hopping windows': () =>
    slicedRun({ slices: new HoppingSlices({ size: 9, slide: 4 }), aggregate: everything, allowedLateness: 5, inRange }, tellAll),
  'look-back': () => lookBackRun({ span: 9, allowedLateness: 4, inRange }),
  'tumbling windows by stream time': () => streamFixedRun({ size: 6, grace: 4, emit: 'on-close', inRange }),
  'sessions by stream time': () => streamSessionsRun({ gap: 5, grace: 4, emit: 'on-update', inRange }),
  'sliding windows': () => slidingRun({ difference: 6, grace: 4, emit: 'on-close', inRange }),
};

const restarted = (operator: Restartable): Restartable => operator.restored([{ frames: operator.frames() }]);

/** Three shards, one a key, that become one. */
const ranges = ['a', 'b', 'c'] as const;

for (const [name, create] of Object.entries(operators)) {
  describe(`a restart of ${name}`, () => {
    it('at any position, or at all of them, changes nothing', () => {
      fc.assert(
        fc.property(steps(0, 40, 16), (all) => {
          const expected = outputs(create(), all);
          for (let position = 0; position <= all.length; position++) {
            const before = create();
            const told = outputs(before, all.slice(0, position));
            assert.deepEqual([...told, ...outputs(restarted(before), all.slice(position))], expected, `at ${position}`);
          }
          let operator = create();
          const told = all.map((step) => {
            operator = restarted(operator);
            return [...operator.step(step)];
          });
          assert.deepEqual(told, expected);
        }),
        { numRuns: 15 },
      );
    });

    it('into one operator a key, and later into one again, changes nothing', () => {
      fc.assert(
        fc.property(steps(0, 40, 24), fc.nat(24), fc.nat(24), (all, one, other) => {
          const [split, merge] = [Math.min(one, other), Math.max(one, other)];
          const whole = create();
          const before = outputs(whole, all.slice(0, split));
          const frames = whole.frames();
          const parts = ranges.map((range) => whole.restored([{ frames, range }]));
          const between = all.slice(split, merge).map((step) => parts.flatMap((part, i) => forRange(part, step, ranges[i] ?? '')));
          const merged = whole.restored(parts.map((part, i) => ({ frames: part.frames(), range: ranges[i] ?? '' })));
          const after = outputs(merged, all.slice(merge));
          assert.deepEqual(unordered([...before, ...between, ...after]), unordered(outputs(create(), all)));
        }),
        { numRuns: 40 },
      );
    });
  });
}

/** Time reaches every part, a record only its own; to the others it is the time it brings, where records move time. */
function forRange(part: Restartable, step: Step, range: string): readonly unknown[] {
  if (step.kind === 'time' || inRange(step.key, range)) return part.step(step);
  return part.movesTime ? part.step({ kind: 'time', time: step.timestamp }) : [];
}

describe('operators that are merged', () => {
  const create = (): Restartable =>
    windowRun({ assigner: new TumblingWindows({ size: 10 }), aggregate: sum, allowedLateness: 3, inRange }, tellAll);
  const record = (key: string, timestamp: number): Step => ({ kind: 'record', key, timestamp, value: 1 });
  const time = (time: number): Step => ({ kind: 'time', time });

  it('keep each key at the watermark it had: no window is told twice, none is lost', () => {
    const [slow, fast] = [create(), create()];
    outputs(slow, [record('a', 1), time(5)]);
    outputs(fast, [record('b', 1), time(15)]);
    const merged = slow.restored([
      { frames: slow.frames(), range: 'a' },
      { frames: fast.frames(), range: 'b' },
    ]);
    assert.deepEqual(outputs(merged, [record('b', 2), record('a', 2), time(9), time(15), record('a', 3), record('b', 3)]), [
      [['late', 2]],
      [],
      [['a', 0, 2, 'ON_TIME', true, false, 0, 0]],
      [],
      [['late', 3]],
      [['late', 3]],
    ]);
  });

  it('keep that also through a restart, and into a part of their keys', () => {
    const [slow, fast] = [create(), create()];
    outputs(slow, [time(5)]);
    outputs(fast, [time(15)]);
    const merged = restarted(
      slow.restored([
        { frames: slow.frames(), range: 'a' },
        { frames: fast.frames(), range: 'bc' },
      ]),
    );
    const part = merged.restored([{ frames: merged.frames(), range: 'b' }]);
    const { inRange: _, ...unable } = { assigner: new TumblingWindows({ size: 10 }), aggregate: sum, allowedLateness: 3, inRange };
    assert.throws(() => WindowOperator.restore(unable, [{ frames: merged.frames() }]), /inRange is missing/);
    assert.deepEqual(outputs(merged, [record('c', 2), record('a', 2)]), [[['late', 2]], []]);
    assert.deepEqual(outputs(part, [record('b', 2)]), [[['late', 2]]]);
  });

  it('equal each part on its own, whose time was never behind its own', () => {
    fc.assert(
      fc.property(steps(0, 40, 16), steps(0, 40, 16), steps(0, 40, 16), (ofA, ofB, joint) => {
        const own = (all: readonly Step[], key: string): Step[] => all.filter((step) => step.kind === 'time' || step.key === key);
        const [a, b] = [create(), create()];
        outputs(a, own(ofA, 'a'));
        outputs(b, own(ofB, 'b'));
        const merged = a.restored([
          { frames: a.frames(), range: 'a' },
          { frames: b.frames(), range: 'b' },
        ]);
        const expected = joint.map((step) => [
          ...(step.kind === 'time' || step.key === 'a' ? a.step(step) : []),
          ...(step.kind === 'time' || step.key === 'b' ? b.step(step) : []),
        ]);
        const told = joint.map((step) => (step.kind === 'time' || step.key !== 'c' ? merged.step(step) : []));
        assert.deepEqual(unordered(told), unordered(expected));
      }),
      { numRuns: 150 },
    );
  });

  it('must say which keys each part holds, and not the same key twice', () => {
    const operator = create();
    outputs(operator, [record('a', 1)]);
    const frames = operator.frames();
    const stateInvalid = (error: unknown): boolean => error instanceof WindowError && error.code === 'STATE_INVALID';
    assert.throws(() => operator.restored([{ frames }, { frames }]), stateInvalid);
    assert.throws(() => operator.restored([]), stateInvalid);
    assert.throws(
      () =>
        operator.restored([
          { frames, range: 'a' },
          { frames, range: 'a' },
        ]),
      stateInvalid,
    );
  });
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

describe('a snapshot', () => {
  const options = { assigner: new GlobalWindows(), aggregate: collect<string>(), trigger: new CountTrigger(9) };
  const holding = (...values: string[]): WindowOperator<string, readonly string[]> => {
    const operator = new WindowOperator(options);
    for (const value of values) operator.process({ key: 'k', timestamp: 1, value });
    return operator;
  };

  it('of a window larger than a frame is whole again', () => {
    const values = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(300_000) + 'ü\ud800"\n');
    const frames = [...holding(...values).snapshot()];
    assert.ok(frames.length > 3 && frames.every((frame) => frame.length <= 1_048_576 + 8));
    const restored = WindowOperator.restore(options, [{ frames }]);
    assert.deepEqual(restored.process({ key: 'k', timestamp: 2, value: 'last' }).panes[0]?.value, [...values, 'last']);
  });

  it('is whole again wherever a row happens to be cut', () => {
    for (let length = 262_144 - 110; length < 262_144 - 60; length++) {
      const values = ['x'.repeat(length)];
      const restored = WindowOperator.restore(options, [{ frames: holding(...values).snapshot() }]);
      assert.equal(restored.size.windows, 1, `${length}`);
    }
  });

  it('is refused when it is damaged, cut off, or of another operator', () => {
    const bytes = Buffer.concat([...holding('x').snapshot()]);
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
    const other = slidingRun({ difference: 1, grace: 0, emit: 'on-close' }).frames();
    for (const frames of [[damaged], [bytes.subarray(0, -1)], [], other]) {
      const corrupt = (error: unknown): boolean => error instanceof SnapshotError && error.code === 'SNAPSHOT_CORRUPT';
      assert.throws(() => WindowOperator.restore(options, [{ frames }]), corrupt);
    }
  });

  it('is of one moment: a record in between ends it', () => {
    const operator = holding('x');
    const frames = operator.snapshot();
    frames.next();
    operator.process({ key: 'k', timestamp: 1, value: 'y' });
    assert.throws(() => frames.next(), WindowError);
  });

  it('holds nothing that JSON would change: a record that brings it is refused', () => {
    const aggregate = collect<never>();
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, new Date(0), [{ a: [1n] }], nested(65), Array(2)] as never[]) {
      const record = { key: 'k', timestamp: 1, value };
      const run = { assigner: new GlobalWindows(), aggregate: count };
      const refused = (error: unknown): boolean => error instanceof WindowError && error.code === 'RECORD_INVALID';
      assert.throws(() => new WindowOperator({ ...run, aggregate }).process(record), refused);
      assert.throws(() => new WindowOperator({ ...run, evictor: new CountEvictor(1) }).process(record), refused);
      assert.throws(() => new LookBackOperator({ span: 1, aggregate: count }).process(record), refused);
      assert.throws(() => new SlidingWindows({ difference: 1, grace: 0, emit: 'on-close', aggregate: count }).process(record), refused);
    }
  });

  it('holds whatever a record was allowed to bring, however deep the aggregate puts it', () => {
    const value = nested(64) as string;
    const aggregate = several({ inner: several({ values: collect<string>() }) });
    const restored = WindowOperator.restore({ ...options, aggregate }, [
      {
        frames: (() => {
          const operator = new WindowOperator({ ...options, aggregate });
          operator.process({ key: 'k', timestamp: 1, value });
          return [...operator.snapshot()];
        })(),
      },
    ]);
    assert.equal(restored.size.windows, 1);
    const sliding = { difference: 1, grace: 0, emit: 'on-close', aggregate: count } as const;
    const keepers = [new WindowOperator({ ...options, evictor: new CountEvictor(1) }), new LookBackOperator({ span: 1, aggregate: count })];
    for (const keeper of [...keepers, new SlidingWindows(sliding)]) {
      keeper.process({ key: 'k', timestamp: 1, value });
      assert.ok([...keeper.snapshot()].length > 0);
    }
  });

  it("says where state of one's own is not JSON", () => {
    const aggregate = { ...sum, save: () => ({ total: [Number.NaN] }) };
    const operator = new WindowOperator({ assigner: new GlobalWindows(), aggregate });
    operator.process({ key: 'k', timestamp: 1, value: 1 });
    assert.throws(() => [...operator.snapshot()], /^WindowError: state\[1\]\[3\]\[0\]\.total\[0\] is NaN: it cannot be kept/);
  });
});
