import assert from 'node:assert/strict';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { beamPanes } from '../../../../services/lib/windows/operators/pane.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { TimerQueue } from '../../../../services/lib/windows/state/timer-queue.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../../services/lib/windows/triggers/first-of.ts';
import { PurgingTrigger } from '../../../../services/lib/windows/triggers/purging.ts';
import { RepeatTrigger } from '../../../../services/lib/windows/triggers/repeat.ts';
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

const allowedLateness = 50;
const session = (trigger?: RepeatTrigger<number> | FirstOfTrigger<number> | PurgingTrigger<number> | ContinuousEventTimeTrigger) =>
  windowRun(
    { assigner: new SessionWindows({ gap: 20 }), aggregate: sum, allowedLateness, ...(trigger === undefined ? {} : { trigger }) },
    tellAll,
  );

const operators: Readonly<Record<string, () => Restartable>> = {
  'tumbling windows': () => windowRun({ assigner: new TumblingWindows({ size: 100 }), aggregate: sum, allowedLateness }, tellAll),
  'hopping windows with a continuous trigger': () =>
    windowRun(
      {
        assigner: new HoppingWindows({ size: 100, slide: 30 }),
        aggregate: sum,
        allowedLateness,
        trigger: new ContinuousEventTimeTrigger(7),
      },
      tellAll,
    ),
  "tumbling windows with Beam's panes": () =>
    windowRun(
      {
        assigner: new TumblingWindows({ size: 100 }),
        aggregate: sum,
        allowedLateness,
        trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(3), new EventTimeTrigger())),
        panes: beamPanes('discarding', 'always'),
      },
      tellAll,
    ),
  sessions: () => session(),
  'sessions that are purged': () => session(new PurgingTrigger(new EventTimeTrigger())),
  'sessions with a continuous trigger': () => session(new ContinuousEventTimeTrigger(7)),
  'sessions whose trigger ends them': () => session(new FirstOfTrigger(new CountTrigger(3), new EventTimeTrigger())),
  'stagger windows': () => windowRun({ assigner: new StaggerWindows({ age: 40 }), aggregate: sum, allowedLateness }, tellAll),
  'sliced windows': () => slicedRun({ slices: new HoppingSlices({ size: 100, slide: 30 }), aggregate: sum, allowedLateness }, tellAll),
  'look-back': () => lookBackRun({ span: 100, allowedLateness }),
  'windows by stream time': () => streamFixedRun({ size: 20, slide: 7, grace: 30, emit: 'on-close' }),
  'sessions by stream time': () => streamSessionsRun({ gap: 20, grace: 30, emit: 'on-update' }),
  'sliding windows': () => slidingRun({ difference: 20, grace: 30, emit: 'on-close' }),
};

/** Spread over 0 … below − 1, the same at every run. */
const spread = (i: number, below: number): number => (Math.imul(i, 0x9e3779b1) >>> 8) % below;

describe('over a long time', () => {
  const original = Object.getOwnPropertyDescriptors(TimerQueue.prototype);
  let timers = 0;
  before(() => {
    TimerQueue.prototype.push = function (entry) {
      timers += 1;
      original.push.value?.call(this, entry);
    };
    TimerQueue.prototype.pop = function () {
      if (this.peek() !== undefined) timers -= 1;
      return original.pop.value?.call(this);
    };
  });
  after(() => {
    Object.defineProperties(TimerQueue.prototype, original);
  });

  for (const [name, create] of Object.entries(operators)) {
    it(`${name} keep no key, window or timer whose lateness has passed`, () => {
      timers = 0;
      const operator = create();
      const peaks: { held: number; timers: number }[] = [];
      for (let quarter = 0; quarter < 4; quarter++) {
        const peak = { held: 0, timers: 0 };
        for (let i = quarter * 1_200; i < (quarter + 1) * 1_200; i++) {
          const now = 1_000 + Math.floor(i / 2);
          // One in five keys is new, the others come again and again; records are up to 120 behind, some of them late.
          const key = i % 5 === 0 ? `once-${i}` : `user-${spread(i, 10)}`;
          operator.step({ kind: 'record', key, timestamp: now - spread(i * 7, 120), value: 1 });
          if (i % 4 === 0) operator.step({ kind: 'time', time: now - 40 });
          peak.held = Math.max(peak.held, operator.held());
          peak.timers = Math.max(peak.timers, timers);
        }
        peaks.push(peak);
      }
      const [, second, , fourth] = peaks;
      assert.ok(second !== undefined && fourth !== undefined && second.held > 10 && second.timers > 10);
      assert.ok(fourth.held < second.held * 1.5 && fourth.timers < second.timers * 1.5, JSON.stringify(peaks));
      operator.step({ kind: 'time', time: 10_000 });
      assert.deepEqual({ held: operator.held(), timers }, { held: 0, timers: 0 });
      assert.equal(operator.frames().join('').includes('user-'), false);
    });
  }
});
