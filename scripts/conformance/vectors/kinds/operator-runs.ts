import { z } from 'zod';
import type { WindowAssigner } from '../../../../services/lib/windows/assigners/assigner.ts';
import { GlobalWindows } from '../../../../services/lib/windows/assigners/global.ts';
import { SessionWindows } from '../../../../services/lib/windows/assigners/session.ts';
import type { Pane } from '../../../../services/lib/windows/operators/pane.ts';
import { WindowOperator, type WindowOperatorOptions } from '../../../../services/lib/windows/operators/window-operator.ts';
import { globalWindow, type TimeWindow } from '../../../../services/lib/windows/time-window.ts';
import { exactly, type Kind, parsed, sameInAnyOrder, time } from '../kind.ts';
import { aggregateNamed, aggregateNames, evictorFrom, triggerFrom, type Value } from '../notation.ts';
import { boundsOf, fixedSpec, fixedWindows } from './assigners.ts';

const spec = z
  .discriminatedUnion('window', [
    fixedSpec.extend({ window: z.literal('fixed') }),
    z.object({ window: z.literal('session'), gap: z.int() }),
    z.object({ window: z.literal('global') }),
  ])
  .and(z.object({ trigger: z.string(), lateness: z.int().default(0), evictor: z.string().optional(), agg: aggregateNames }));

const value = z.union([z.string(), z.number()]);
const input = z.array(
  z.union([z.tuple([z.literal('el'), z.string(), value, time]), z.tuple([z.literal('wm'), time]), z.tuple([z.literal('restart')])]),
);

function assignerFor(window: z.infer<typeof spec>): WindowAssigner {
  if (window.window === 'fixed') return fixedWindows(window);
  return window.window === 'session' ? new SessionWindows({ gap: window.gap }) : new GlobalWindows();
}

interface Fired {
  /** The watermark they were fired at; undefined: by a record. */
  readonly at: number | undefined;
  readonly panes: readonly Pane<unknown>[];
}

/** A restart throws the operator away and makes one from the bytes of its snapshot. */
function run(of: z.infer<typeof spec>, steps: z.infer<typeof input>): { readonly fired: Fired[]; readonly late: number[] } {
  const options: WindowOperatorOptions<Value, unknown, unknown> = {
    assigner: assignerFor(of),
    aggregate: aggregateNamed(of.agg, ''),
    trigger: triggerFrom(of.trigger),
    allowedLateness: of.lateness,
    ...(of.evictor === undefined ? {} : { evictor: evictorFrom(of.evictor) }),
  };
  let operator = new WindowOperator(options);
  const fired: Fired[] = [];
  const late: number[] = [];
  for (const step of steps) {
    if (step[0] === 'el') {
      const [, key, value, timestamp] = step;
      const { panes, outcome } = operator.process({ key, timestamp, value });
      fired.push({ at: undefined, panes });
      if (outcome === 'late') late.push(timestamp);
    } else if (step[0] === 'wm') {
      fired.push({ at: step[1], panes: operator.advanceWatermark(step[1]) });
    } else {
      operator = WindowOperator.restore(options, [{ frames: [...operator.snapshot()] }]);
    }
  }
  return { fired, late };
}

const told = (window: TimeWindow): unknown => (window.equals(globalWindow) ? 'global' : boundsOf(window));

const panesOf = (fired: readonly Fired[]) => fired.flatMap(({ panes }) => panes);

/** Firings in any order, and the records that came too late. */
const watermarkRun: Kind = (vector) => {
  const { fired, late } = run(parsed(spec, vector, 'spec'), parsed(input, vector, 'input'));
  const got = panesOf(fired).map(({ key, window, value }) => [key, told(window), value]);
  const lateAsExpected = vector.lateTs === undefined || sameInAnyOrder(late, vector.lateTs);
  return {
    got: vector.lateTs === undefined ? got : { fired: got, lateTs: late },
    ok: sameInAnyOrder(got, vector.expect) && lateAsExpected,
  };
};

export const operatorKinds: Readonly<Record<string, Kind>> = {
  'watermark-run': watermarkRun,

  'count-trigger-run': exactly(spec, input, (of, steps) =>
    panesOf(run(of, steps).fired).map(({ key, window, value }) => [key, told(window), value]),
  ),

  'global-continuous-run': exactly(spec, input, (of, steps) =>
    run(of, steps)
      .fired.filter(({ panes }) => panes.length > 0)
      .map(({ at, panes }) => ({ at, out: panes.map(({ key, value }) => [key, value]) })),
  ),

  'evictor-run': exactly(spec, input, (of, steps) => panesOf(run(of, steps).fired).map(({ key, value }) => [key, value])),
};
