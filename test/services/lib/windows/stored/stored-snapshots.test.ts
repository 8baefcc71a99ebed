import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { collect } from '../../../../../services/lib/windows/aggregates/collect.ts';
import { count } from '../../../../../services/lib/windows/aggregates/count.ts';
import { distinct } from '../../../../../services/lib/windows/aggregates/distinct.ts';
import { max, min } from '../../../../../services/lib/windows/aggregates/extreme.ts';
import { several } from '../../../../../services/lib/windows/aggregates/several.ts';
import { sum } from '../../../../../services/lib/windows/aggregates/sum.ts';
import { SessionWindows } from '../../../../../services/lib/windows/assigners/session.ts';
import { TumblingWindows } from '../../../../../services/lib/windows/assigners/tumbling.ts';
import { type Emit, WindowCounts } from '../../../../../services/lib/windows/counts/window-counts.ts';
import { CountEvictor } from '../../../../../services/lib/windows/evictors/count.ts';
import { HoppingSlices } from '../../../../../services/lib/windows/slices/hopping-slices.ts';
import { ContinuousEventTimeTrigger } from '../../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../../services/lib/windows/triggers/count.ts';
import { FirstOfTrigger } from '../../../../../services/lib/windows/triggers/first-of.ts';
import { RepeatTrigger } from '../../../../../services/lib/windows/triggers/repeat.ts';
import {
  lookBackRun,
  type Restartable,
  slicedRun,
  slidingRun,
  streamFixedRun,
  streamSessionsRun,
  tellAll,
  windowRun,
} from '../plain/runs.ts';
import { outputs, type Step } from '../plain/steps.ts';

const operators: Readonly<Record<string, () => Restartable>> = {
  tumbling: () =>
    windowRun(
      {
        assigner: new TumblingWindows({ size: 10 }),
        aggregate: several({ count, sum, min, max, distinct, all: collect<number>() }),
        allowedLateness: 5,
      },
      tellAll,
    ),
  session: () =>
    windowRun(
      {
        assigner: new SessionWindows({ gap: 8 }),
        aggregate: collect<number>(),
        trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(3), new ContinuousEventTimeTrigger(5))),
        evictor: new CountEvictor(2),
        allowedLateness: 5,
      },
      tellAll,
    ),
  sliced: () => slicedRun({ slices: new HoppingSlices({ size: 10, slide: 4 }), aggregate: sum, allowedLateness: 5 }, tellAll),
  lookBack: () => lookBackRun({ span: 10, allowedLateness: 3 }),
  streamTime: () => streamFixedRun({ size: 10, slide: 5, grace: 4, emit: 'on-close' }),
  streamTimeSessions: () => streamSessionsRun({ gap: 6, grace: 4, emit: 'on-close' }),
  sliding: () => slidingRun({ difference: 6, grace: 4, emit: 'on-close' }),
};

const record = (key: string, timestamp: number, value: number): Step => ({ kind: 'record', key, timestamp, value });
const before: readonly Step[] = [
  record('user-1', 11, 3),
  record('user-2', 7, -1),
  record('ü\ud800', 13, 2 ** 53 - 1),
  record('user-1', 15, 3),
  record('user-1', 19, 5),
  { kind: 'time', time: 20 },
  record('user-1', 18, 4),
  record('user-2', 24, 8),
];
const after: readonly Step[] = [
  record('user-1', 19, 6),
  record('user-2', 17, 2),
  record('user-1', 4, 1),
  { kind: 'time', time: 26 },
  record('ü\ud800', 28, -3),
  { kind: 'time', time: 100 },
];

/**
 * Base64 of what `operator.frames()` gave after the steps of `before`, by the build that wrote the format version first. A change of
 * format adds a file and raises the version; the file of the version before it stays, so that a rollback finds what it can read.
 */
function storedBy(version: number): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(new URL(`version-${version}.json`, import.meta.url), 'utf8')) as Record<string, string>;
}

describe('a stored snapshot of format version 1', () => {
  const stored = storedBy(1);

  for (const [name, create] of Object.entries(operators)) {
    it(`of ${name} is read, and goes on as if there had been no restart`, () => {
      const bytes = Buffer.from(stored[name] ?? '', 'base64');
      const operator = create().restored([{ frames: [bytes] }]);
      const whole = create();
      outputs(whole, before);
      assert.equal(operator.held(), whole.held());
      const told = outputs(operator, after);
      assert.ok(told.flat().length > 2);
      assert.deepEqual(told, outputs(whole, after));
    });
  }

  it('of counts is read, and goes on as if there had been no restart', () => {
    const options = { size: 10, slide: 5, disorder: 3, summing: true };
    const told = (create: (emit: Emit) => WindowCounts): unknown[] => {
      const panes: string[] = [];
      const counts = create(({ key, start, end, count, sum }) => panes.push(JSON.stringify([key, start, end, count, sum])));
      const outcomes = [counts.add('user-1', '0'.repeat(32), 20, 1), counts.add('user-2', 'f'.repeat(32), 21, 7)];
      panes.length = 0;
      counts.advanceWatermark(100);
      return [outcomes, panes.sort()];
    };
    const feed = (operator: WindowCounts): WindowCounts => {
      operator.add('user-1', '0'.repeat(32), 18, 5);
      operator.add('ü\ud800', '1'.repeat(32), 19, -4);
      operator.add('user-1', '2'.repeat(32), 23, 2);
      return operator;
    };
    const bytes = Buffer.from(stored['counts'] ?? '', 'base64');
    const restored = told((emit) => WindowCounts.restore(options, [{ frames: [bytes] }], emit));
    assert.match(String(restored), /duplicate/);
    assert.deepEqual(
      restored,
      told((emit) => feed(new WindowCounts(options, emit))),
    );
  });
});
