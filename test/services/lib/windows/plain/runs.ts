import { sum } from '../../../../../services/lib/windows/aggregates/sum.ts';
import { LookBackOperator, type LookBackOptions } from '../../../../../services/lib/windows/operators/look-back-operator.ts';
import type { Pane } from '../../../../../services/lib/windows/operators/pane.ts';
import { SlicedWindowOperator, type SlicedWindowOptions } from '../../../../../services/lib/windows/operators/sliced-window-operator.ts';
import {
  type Processed,
  WindowOperator,
  type WindowOperatorOptions,
} from '../../../../../services/lib/windows/operators/window-operator.ts';
import type { SnapshotPart } from '../../../../../services/lib/windows/state/parts.ts';
import { SlidingWindows, type SlidingWindowsOptions } from '../../../../../services/lib/windows/stream-time/sliding-windows.ts';
import type { StreamTimeOperator } from '../../../../../services/lib/windows/stream-time/stream-time-operator.ts';
import {
  StreamTimeSessions,
  type StreamTimeSessionsOptions,
} from '../../../../../services/lib/windows/stream-time/stream-time-sessions.ts';
import { StreamTimeWindows, type StreamTimeWindowsOptions } from '../../../../../services/lib/windows/stream-time/stream-time-windows.ts';
import type { Run, Step } from './steps.ts';

/** An operator under test, and how to make it from its snapshots. */
export interface Restartable extends Run {
  frames(): Buffer[];
  restored(parts: readonly SnapshotPart[]): Restartable;
  /** Windows, slices or records held. */
  held(): number;
  /** Records move time (stream time), not only what says so (a watermark). */
  readonly movesTime?: true;
}

type Tell<R> = (pane: Pane<R>) => unknown;
type WithoutAggregate<T> = Omit<T, 'aggregate'>;

interface EventTimeOperator<R> {
  process(record: { key: string; timestamp: number; value: number }): Processed<R>;
  advanceWatermark(watermark: number): readonly Pane<R>[];
  snapshot(): Iterable<Buffer>;
}

const eventTimeRun = <R>(
  operator: EventTimeOperator<R>,
  tell: Tell<R>,
  held: () => number,
  restored: (parts: readonly SnapshotPart[]) => Restartable,
): Restartable => ({
  step: (step) => {
    if (step.kind === 'time') return operator.advanceWatermark(step.time).map(tell);
    const { panes, outcome } = operator.process(step);
    return outcome === 'late' ? [['late', step.timestamp]] : panes.map(tell);
  },
  frames: () => [...operator.snapshot()],
  restored,
  held,
});

export function windowRun<R>(
  options: WindowOperatorOptions<number, unknown, R>,
  tell: Tell<R>,
  operator = new WindowOperator<number, R>(options),
): Restartable {
  const held = (): number => operator.size.windows;
  return eventTimeRun(operator, tell, held, (parts) => windowRun(options, tell, WindowOperator.restore(options, parts)));
}

export function slicedRun<R>(
  options: SlicedWindowOptions<number, unknown, R>,
  tell: Tell<R>,
  operator = new SlicedWindowOperator<number, R>(options),
): Restartable {
  const held = (): number => operator.size.slices;
  return eventTimeRun(operator, tell, held, (parts) => slicedRun(options, tell, SlicedWindowOperator.restore(options, parts)));
}

export function lookBackRun(
  options: WithoutAggregate<LookBackOptions<number, number, number>>,
  operator = new LookBackOperator<number, number>({ ...options, aggregate: sum }),
): Restartable {
  return {
    step: (step) => {
      if (step.kind === 'time') {
        operator.advanceWatermark(step.time);
        return [];
      }
      const seen = operator.process(step);
      return seen === undefined ? ['late'] : [[seen.key, seen.from, seen.to, seen.value]];
    },
    frames: () => [...operator.snapshot()],
    restored: (parts) => lookBackRun(options, LookBackOperator.restore({ ...options, aggregate: sum }, parts)),
    held: () => operator.size.records,
  };
}

function streamStep(operator: StreamTimeOperator<number, number>, step: Step): unknown[] {
  if (step.kind === 'time') return operator.advanceTo(step.time).map(({ key, window, value }) => [key, ...window, value]);
  const { results, outcome } = operator.process(step);
  const told = results.map(({ key, window, value }) => [key, ...window, value]);
  return outcome === 'dropped' ? [['dropped', step.timestamp], ...told] : told;
}

const streamRun = (
  operator: StreamTimeOperator<number, number>,
  restored: (parts: readonly SnapshotPart[]) => Restartable,
): Restartable => ({
  step: (step) => streamStep(operator, step),
  frames: () => [...operator.snapshot()],
  restored,
  held: () => operator.size.windows + operator.size.records,
  movesTime: true,
});

export function streamFixedRun(
  options: WithoutAggregate<StreamTimeWindowsOptions<number, number, number>>,
  operator = new StreamTimeWindows<number, number>({ ...options, aggregate: sum }),
): Restartable {
  return streamRun(operator, (parts) => streamFixedRun(options, StreamTimeWindows.restore({ ...options, aggregate: sum }, parts)));
}

export function streamSessionsRun(
  options: WithoutAggregate<StreamTimeSessionsOptions<number, number, number>>,
  operator = new StreamTimeSessions<number, number>({ ...options, aggregate: sum }),
): Restartable {
  return streamRun(operator, (parts) => streamSessionsRun(options, StreamTimeSessions.restore({ ...options, aggregate: sum }, parts)));
}

export function slidingRun(
  options: WithoutAggregate<SlidingWindowsOptions<number, number, number>>,
  operator = new SlidingWindows<number, number>({ ...options, aggregate: sum }),
): Restartable {
  return streamRun(operator, (parts) => slidingRun(options, SlidingWindows.restore({ ...options, aggregate: sum }, parts)));
}

export const tellSum: Tell<number> = ({ key, window, value, timing }) => [key, window.start, window.end, value, timing];
export const tellKeyed: Tell<number> = ({ key, value }) => [key, value];
export const tellAll = <R>({ key, window, value, timing, first, last, index, nonSpeculativeIndex }: Pane<R>): unknown => [
  key,
  window.start,
  value,
  timing,
  first,
  last,
  index,
  nonSpeculativeIndex,
];
