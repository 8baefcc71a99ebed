import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { beamPanes } from '../../../../services/lib/windows/operators/pane.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { maxTime, minTime } from '../../../../services/lib/windows/time.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
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
import type { Step } from './plain/steps.ts';

const operators: Readonly<Record<string, () => Restartable>> = {
  'tumbling windows': () =>
    windowRun({ assigner: new TumblingWindows({ size: 1_000 }), aggregate: sum, allowedLateness: maxTime - 1 }, tellAll),
  'the largest tumbling windows': () => windowRun({ assigner: new TumblingWindows({ size: maxTime - 1 }), aggregate: sum }, tellAll),
  'hopping windows with a continuous trigger': () =>
    windowRun(
      { assigner: new HoppingWindows({ size: 100, slide: 7 }), aggregate: sum, trigger: new ContinuousEventTimeTrigger(3) },
      tellAll,
    ),
  "sessions with Beam's panes": () =>
    windowRun({ assigner: new SessionWindows({ gap: maxTime - 1 }), aggregate: sum, panes: beamPanes('accumulating', 'always') }, tellAll),
  'inclusive sessions': () =>
    windowRun({ assigner: new SessionWindows({ gap: 5, convention: 'inclusive-bounds' }), aggregate: sum, allowedLateness: 9 }, tellAll),
  'stagger windows': () => windowRun({ assigner: new StaggerWindows({ age: 1_000 }), aggregate: sum }, tellAll),
  'sliced windows': () =>
    slicedRun({ slices: new HoppingSlices({ size: 1_000, slide: 300 }), aggregate: sum, allowedLateness: 50 }, tellAll),
  'look-back': () => lookBackRun({ span: maxTime - 1, allowedLateness: 10 }),
  'windows by stream time': () => streamFixedRun({ size: 9, slide: 4, grace: maxTime - 1, emit: 'on-close' }),
  'sessions by stream time': () => streamSessionsRun({ gap: 1_000, grace: 5, emit: 'on-update' }),
  'sliding windows': () => slidingRun({ difference: 1_000, grace: 5, emit: 'on-update' }),
};

const times = [minTime, minTime + 1, minTime + 500, -1, 0, 1, 500, maxTime - 1_000, maxTime - 2, maxTime - 1, maxTime];
const time = fc.oneof(fc.constantFrom(...times), fc.integer({ min: minTime, max: maxTime }));
const values = fc.oneof(fc.integer(), fc.double());
const keys = fc.constantFrom('a', '__proto__', 'constructor', '', '\ud800');
const record = fc.record({ kind: fc.constant('record' as const), key: keys, timestamp: fc.oneof(time, fc.double()), value: values });
const step: fc.Arbitrary<Step> = fc.oneof(record, fc.record({ kind: fc.constant('time' as const), time }));

describe('at the extremes of time, values and keys', () => {
  for (const [name, create] of Object.entries(operators)) {
    it(`${name} refuse or use every record, restart, and forget everything when time ends`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
          let operator = create();
          for (const each of steps) {
            try {
              operator.step(each);
            } catch (error) {
              if (!(error instanceof WindowError && error.code === 'RECORD_INVALID')) throw error;
            }
          }
          operator = operator.restored([{ frames: operator.frames() }]);
          operator.step({ kind: 'time', time: maxTime });
          assert.equal(operator.held(), 0);
        }),
        { numRuns: 150 },
      );
    });
  }
});
