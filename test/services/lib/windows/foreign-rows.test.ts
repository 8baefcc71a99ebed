import assert from 'node:assert/strict';
import fc from 'fast-check';
import { avg } from '../../../../services/lib/windows/aggregates/avg.ts';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { count } from '../../../../services/lib/windows/aggregates/count.ts';
import { distinct } from '../../../../services/lib/windows/aggregates/distinct.ts';
import { min } from '../../../../services/lib/windows/aggregates/extreme.ts';
import { several } from '../../../../services/lib/windows/aggregates/several.ts';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { CountEvictor } from '../../../../services/lib/windows/evictors/count.ts';
import { WindowOperator } from '../../../../services/lib/windows/operators/window-operator.ts';
import type { Plain } from '../../../../services/lib/windows/plain.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { SnapshotError } from '../../../../services/lib/windows/snapshot/snapshot-error.ts';
import { readRows, rowFrames } from '../../../../services/lib/windows/state/rows.ts';
import { maxTime, minTime } from '../../../../services/lib/windows/time.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../../services/lib/windows/triggers/first-of.ts';
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

const everything = several({ count, sum, min, avg });
const windowKind = 'window-operator';

const operators: Readonly<Record<string, readonly [kind: string, create: () => Restartable]>> = {
  'tumbling windows': [
    windowKind,
    () => windowRun({ assigner: new TumblingWindows({ size: 7 }), aggregate: everything, allowedLateness: 5 }, tellAll),
  ],
  'sessions with several triggers': [
    windowKind,
    () =>
      windowRun(
        {
          assigner: new SessionWindows({ gap: 5 }),
          aggregate: sum,
          trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(2), new EventTimeTrigger(), new ContinuousEventTimeTrigger(4))),
          allowedLateness: 5,
        },
        tellAll,
      ),
  ],
  'an evictor': [
    windowKind,
    () => windowRun({ assigner: new TumblingWindows({ size: 20 }), aggregate: everything, evictor: new CountEvictor(3) }, tellAll),
  ],
  'sliced windows': [
    'sliced-window-operator',
    () => slicedRun({ slices: new HoppingSlices({ size: 9, slide: 4 }), aggregate: everything, allowedLateness: 5 }, tellAll),
  ],
  'look-back': ['look-back-operator', () => lookBackRun({ span: 9, allowedLateness: 4 })],
  'windows by stream time': ['stream-time-windows', () => streamFixedRun({ size: 6, grace: 4, emit: 'on-close' })],
  'sessions by stream time': ['stream-time-sessions', () => streamSessionsRun({ gap: 5, grace: 4, emit: 'on-update' })],
  'sliding windows': ['sliding-windows', () => slidingRun({ difference: 6, grace: 4, emit: 'on-close' })],
};

function rowsOf(create: () => Restartable, kind: string): Plain[] {
  const operator = create();
  for (const [i, key] of ['a', 'b', 'a', 'c', 'b', 'a'].entries())
    operator.step({ kind: 'record', key, timestamp: 10 + ((i * 7) % 11), value: i });
  operator.step({ kind: 'time', time: 16 });
  operator.step({ kind: 'record', key: 'a', timestamp: 17, value: 9 });
  return [...readRows(kind, operator.frames())];
}

type Path = readonly number[];

function pathsIn(value: Plain): Path[] {
  const below = Array.isArray(value) ? value.flatMap((item: Plain, i) => pathsIn(item).map((path) => [i, ...path])) : [];
  return [[], ...below];
}

function replaced(value: Plain, [at, ...rest]: Path, by: Plain): Plain {
  if (at === undefined) return by;
  return (value as readonly Plain[]).map((item, i) => (i === at ? replaced(item, rest, by) : item));
}

const valueAt = (value: Plain, path: Path): Plain => path.reduce((within, at) => (within as readonly Plain[])[at] as Plain, value);

/** [time, value] each: what a value is, only its aggregate knows. */
const keepsRecords = new Set(['an evictor', 'look-back', 'sliding windows']);

const foreign = fc.constantFrom<Plain>(null, true, 'x', -1, 0.5, 1e300, minTime, minTime + 1, maxTime - 1, maxTime, [], [[]], [1, 2], {});
const refused = (error: unknown): boolean =>
  (error instanceof SnapshotError && error.code === 'SNAPSHOT_CORRUPT') || (error instanceof WindowError && error.code === 'STATE_INVALID');

describe('rows in sound frames that another program wrote', () => {
  for (const [name, [kind, create]] of Object.entries(operators)) {
    const rows = rowsOf(create, kind);
    const paths = rows.flatMap((row, i) => pathsIn(row).map((path) => [i, ...path]));
    const restored = (foreignRows: readonly Plain[]): Restartable => create().restored([{ frames: rowFrames(kind, foreignRows, () => 0) }]);

    it(`are refused by ${name}, or leave time that goes on for all other keys`, () => {
      assert.ok(rows.length > 2);
      fc.assert(
        fc.property(fc.constantFrom(...paths), foreign, (path, by) => {
          let operator: Restartable;
          try {
            operator = restored(replaced(rows, path, by) as readonly Plain[]);
          } catch (error) {
            if (!refused(error)) throw error;
            return;
          }
          operator.step({ kind: 'record', key: 'new', timestamp: 1_000, value: 1 });
          operator.step({ kind: 'time', time: maxTime });
          const left = [...readRows(kind, operator.frames())];
          assert.deepEqual(left[0], [maxTime, []]);
          assert.ok(!left.some((row) => (row as readonly Plain[])[0] === 'new'));
        }),
        { numRuns: 150 },
      );
    });

    it(`are refused by ${name} with a text in place of any list or number but a record's value`, () => {
      const taken = paths.filter((path) => {
        const was = valueAt(rows, path);
        if (!Array.isArray(was) && typeof was !== 'number') return false;
        if (keepsRecords.has(name) && typeof was === 'number' && path.at(-1) === 1) return false;
        try {
          restored(replaced(rows, path, 'x') as readonly Plain[]);
          return true;
        } catch (error) {
          if (!refused(error)) throw error;
          return false;
        }
      });
      assert.deepEqual(taken, []);
    });
  }
});

describe('rows that no operator can have written', () => {
  const restoring = (kind: string, create: () => Restartable, row: Plain) => () =>
    create().restored([{ frames: rowFrames(kind, [[5, []], row], () => 0) }]);

  it('are refused by look-back where records are not in the order of their times', () => {
    const kind = 'look-back-operator';
    const create = (): Restartable => lookBackRun({ span: 9, allowedLateness: 4 });
    const saved = rowsOf(create, kind).find((row, i) => i > 0 && ((row as Plain[])[1] as Plain[]).length > 1) as [Plain, Plain[]];
    assert.doesNotThrow(restoring(kind, create, saved));
    assert.throws(restoring(kind, create, [saved[0], saved[1].toReversed()]), refused);
  });

  it('are refused by sliced windows where a slice or a window lies beyond time', () => {
    const [size, slide] = [9, 4];
    const kind = 'sliced-window-operator';
    const create = (): Restartable => slicedRun({ slices: new HoppingSlices({ size, slide }), aggregate: count }, tellAll);
    const slice = (end: number): Plain => ['k', [[[end, 1]], [], []]];
    const window = (end: number): Plain => ['k', [[], [end], []]];
    for (const [row, first, last] of [
      [window, minTime + size + slide + 1, maxTime - 1],
      [slice, minTime + size + slide + 1, maxTime - size - 1],
    ] as const) {
      for (const beyond of [first - 1, last + 1]) assert.throws(restoring(kind, create, row(beyond)), refused, `${beyond}`);
      for (const within of [first, last]) assert.doesNotThrow(restoring(kind, create, row(within)), `${within}`);
    }
  });
});

describe('aggregates of values', () => {
  it('refuse what none of them can have saved', () => {
    for (const saved of ['x', 1, null, {}, [[1]], [{}]]) assert.throws(() => distinct.load(saved), refused, JSON.stringify(saved));
    for (const saved of ['x', 1, null, {}]) assert.throws(() => collect<number>().load(saved), refused, JSON.stringify(saved));
    assert.deepEqual(distinct.load([1, 'x', null, true]), new Set([1, 'x', null, true]));
  });
});

describe('the average', () => {
  it('is the sum by the number of values, also of partial ones put together', () => {
    const of = (...values: number[]) => values.reduce<ReturnType<typeof avg.create>>((so, value) => avg.add(so, value), avg.create());
    assert.equal(avg.result(of(1, 2, 6)), 3);
    assert.equal(avg.result(avg.merge(of(1, 2), of(6))), 3);
  });
});

describe('a restored operator', () => {
  it('takes state of any size of values, but none that is nested deeper than a record may bring', () => {
    const options = { assigner: new TumblingWindows({ size: 10 }), aggregate: collect<Plain>() };
    const nested = (depth: number): Plain => (depth === 0 ? 1 : [nested(depth - 1)]);
    const row = (value: Plain): Plain => ['k', [0, 10, null, [[value]], 9, 0, 0, [true, false, false]]];
    const restore = (value: Plain) => WindowOperator.restore(options, [{ frames: rowFrames(windowKind, [[5, []], row(value)], () => 0) }]);
    assert.deepEqual(restore(nested(64)).advanceWatermark(9)[0]?.value, [nested(64)]);
    assert.throws(() => restore(nested(65)), /not a sound snapshot: value.*is nested deeper than 64/);
    const empty: Plain = ['k', [10, 10, null, [[1]], 9, 0, 0, [true, false, false]]];
    assert.throws(() => WindowOperator.restore(options, [{ frames: rowFrames(windowKind, [[5, []], empty], () => 0) }]), refused);
  });
});
