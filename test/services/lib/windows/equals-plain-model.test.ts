import assert from 'node:assert/strict';
import fc from 'fast-check';
import { collect } from '../../../../services/lib/windows/aggregates/collect.ts';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { GlobalWindows } from '../../../../services/lib/windows/assigners/global.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { IndexedWindows } from '../../../../services/lib/windows/assigners/indexed.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../../services/lib/windows/assigners/tumbling.ts';
import { beamPanes } from '../../../../services/lib/windows/operators/pane.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { ContinuousEventTimeTrigger } from '../../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../../services/lib/windows/triggers/first-of.ts';
import { PurgingTrigger } from '../../../../services/lib/windows/triggers/purging.ts';
import { RepeatTrigger } from '../../../../services/lib/windows/triggers/repeat.ts';
import { PlainBeam } from './plain/beam-model.ts';
import {
  lookBackRun,
  type Restartable,
  slicedRun,
  slidingRun,
  streamFixedRun,
  streamSessionsRun,
  tellAll,
  tellKeyed,
  tellSum,
  windowRun,
} from './plain/runs.ts';
import { outputs, type Run, type Step, steps, unordered } from './plain/steps.ts';
import { PlainSliding, PlainStreamFixed, PlainStreamSessions } from './plain/stream-time-models.ts';
import { PlainContinuous, PlainCounted, PlainHopping, PlainLookBack, PlainSessions, PlainStagger } from './plain/window-models.ts';

const runs = 300;
const lateness = fc.integer({ min: 0, max: 12 });
const size = fc.integer({ min: 1, max: 15 });
const emit = fc.constantFrom('on-update' as const, 'on-close' as const);

/** Beyond every window and lateness: the operator must have forgotten everything, so nothing leaks. */
const endOfRun = 10_000;

function same(operator: Restartable, model: Run, all: readonly Step[], forgets = true): void {
  assert.deepEqual(unordered(outputs(operator, all)), unordered(outputs(model, all)));
  if (!forgets) return;
  operator.step({ kind: 'time', time: endOfRun });
  assert.equal(operator.held(), 0, 'state is left behind');
}

const holds = <T extends readonly unknown[]>(arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> }, check: (...args: T) => void): void =>
  fc.assert(fc.property(...(arbitraries as unknown as [fc.Arbitrary<unknown>]), check as unknown as (arg: unknown) => void), {
    numRuns: runs,
  });

describe('the window operator equals a plain model', () => {
  it('for tumbling windows with any offset and lateness', () => {
    holds([size, fc.integer(), lateness, steps(-40, 40)], (size, shift, allowedLateness, all) => {
      const offset = shift % size;
      const operator = windowRun({ assigner: new TumblingWindows({ size, offset }), aggregate: sum, allowedLateness }, tellSum);
      same(operator, new PlainHopping(size, size, offset, allowedLateness), all);
    });
  });

  it('for hopping windows, also with gaps and uneven sizes', () => {
    holds([size, size, lateness, steps(-40, 40)], (size, slide, allowedLateness, all) => {
      const operator = windowRun({ assigner: new HoppingWindows({ size, slide }), aggregate: sum, allowedLateness }, tellSum);
      same(operator, new PlainHopping(size, slide, 0, allowedLateness), all);
    });
  });

  it('for windows by index', () => {
    holds([size, size, fc.integer({ min: -99, max: 99 }), steps(-40, 40)], (size, slide, alignTo, all) => {
      const operator = windowRun({ assigner: new IndexedWindows({ size, slide, alignTo }), aggregate: sum }, tellSum);
      same(operator, new PlainHopping(size, slide, alignTo, 0), all);
    });
  });

  for (const [convention, reach, tail] of [
    ['touching-merges', 0, 0],
    ['gap-exclusive', -1, 0],
    ['inclusive-bounds', 0, 1],
  ] as const) {
    it(`for sessions, ${convention}`, () => {
      holds([size, lateness, steps(-40, 40)], (gap, allowedLateness, all) => {
        const operator = windowRun({ assigner: new SessionWindows({ gap, convention }), aggregate: sum, allowedLateness }, tellSum);
        same(operator, new PlainSessions(gap + reach, gap + tail, allowedLateness), all);
      });
    });
  }

  it('for stagger windows', () => {
    holds([size, lateness, steps(-40, 40)], (age, allowedLateness, all) => {
      const operator = windowRun({ assigner: new StaggerWindows({ age }), aggregate: sum, allowedLateness }, tellSum);
      same(operator, new PlainStagger(age, allowedLateness), all);
    });
  });

  it('for the global window with a count trigger, purging or not', () => {
    holds([fc.integer({ min: 1, max: 5 }), fc.boolean(), steps(-40, 40)], (atLeast, purging, all) => {
      const counted = new CountTrigger(atLeast);
      const trigger = purging ? new PurgingTrigger(counted) : counted;
      same(
        windowRun({ assigner: new GlobalWindows(), aggregate: sum, trigger }, tellKeyed),
        new PlainCounted(atLeast, purging),
        all,
        false,
      );
    });
  });

  it('for the global window with a continuous trigger', () => {
    holds([size, steps(-40, 40)], (interval, all) => {
      const trigger = new ContinuousEventTimeTrigger(interval);
      same(windowRun({ assigner: new GlobalWindows(), aggregate: sum, trigger }, tellKeyed), new PlainContinuous(interval), all, false);
    });
  });

  it("for Beam's panes of repeated first-of triggers, accumulating and discarding, with every way to close", () => {
    const closings = fc.constantFrom('never' as const, 'always' as const, 'if-changed' as const);
    holds(
      [size, lateness, fc.integer({ min: 1, max: 4 }), fc.boolean(), closings, steps(-20, 30)],
      (size, allowedLateness, atLeast, accumulating, closing, all) => {
        const operator = windowRun(
          {
            assigner: new TumblingWindows({ size }),
            aggregate: collect<number>(),
            trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(atLeast), new EventTimeTrigger())),
            allowedLateness,
            panes: beamPanes(accumulating ? 'accumulating' : 'discarding', closing),
          },
          tellAll,
        );
        same(operator, new PlainBeam(size, allowedLateness, atLeast, accumulating, closing), all);
      },
    );
  });
});

describe('the sliced operator', () => {
  it('equals a plain model of hopping windows', () => {
    holds([size, size, fc.integer(), lateness, steps(-40, 40)], (size, slide, shift, allowedLateness, all) => {
      const offset = shift % slide;
      const operator = slicedRun({ slices: new HoppingSlices({ size, slide, offset }), aggregate: sum, allowedLateness }, tellSum);
      same(operator, new PlainHopping(size, slide, offset, allowedLateness), all);
    });
  });

  it('tells the same panes as the window operator, in the same order', () => {
    holds([size, size, lateness, steps(-40, 40)], (size, slide, allowedLateness, all) => {
      const sliced = slicedRun({ slices: new HoppingSlices({ size, slide }), aggregate: sum, allowedLateness }, tellAll);
      const whole = windowRun({ assigner: new HoppingWindows({ size, slide }), aggregate: sum, allowedLateness }, tellAll);
      assert.deepEqual(outputs(sliced, all), outputs(whole, all));
    });
  });

  it('merges slices by time, for an aggregate to which the order matters', () => {
    holds([size, size, steps(-40, 40)], (size, slide, all) => {
      const inOrder = all.filter((step) => step.kind === 'record').sort((a, b) => a.timestamp - b.timestamp);
      const steps: Step[] = [...inOrder, { kind: 'time', time: endOfRun }];
      const sliced = slicedRun({ slices: new HoppingSlices({ size, slide }), aggregate: collect<number>() }, tellAll);
      const whole = windowRun({ assigner: new HoppingWindows({ size, slide }), aggregate: collect<number>() }, tellAll);
      assert.deepEqual(outputs(sliced, steps), outputs(whole, steps));
    });
  });
});

describe('the look-back operator', () => {
  it('equals a plain model', () => {
    holds([fc.integer({ min: 0, max: 15 }), lateness, steps(-40, 40)], (span, allowedLateness, all) => {
      same(lookBackRun({ span, allowedLateness }), new PlainLookBack(span, allowedLateness), all);
    });
  });
});

describe('windows by stream time equal a plain model', () => {
  it('for tumbling and hopping windows', () => {
    holds([size, size, lateness, emit, steps(0, 60)], (a, b, grace, emit, all) => {
      const [size, slide] = [Math.max(a, b), Math.min(a, b)];
      same(streamFixedRun({ size, slide, grace, emit }), new PlainStreamFixed(size, slide, grace, emit), all);
    });
  });

  it('for sessions', () => {
    holds([size, lateness, emit, steps(0, 60)], (gap, grace, emit, all) => {
      same(streamSessionsRun({ gap, grace, emit }), new PlainStreamSessions(gap, grace, emit), all);
    });
  });

  it('for sliding windows', () => {
    holds([fc.integer({ min: 0, max: 15 }), lateness, emit, steps(0, 60)], (difference, grace, emit, all) => {
      same(slidingRun({ difference, grace, emit }), new PlainSliding(difference, grace, emit), all);
    });
  });
});
