/**
 * The operators that docs/windows.md shows: what stands between `region` and `endregion` is its code, with the imports that it needs, and
 * what they tell is its pictures.
 * Times are small numbers there; think of minutes.
 */
import { avg } from '../../../services/lib/windows/aggregates/avg.ts';
import { collect } from '../../../services/lib/windows/aggregates/collect.ts';
import { count } from '../../../services/lib/windows/aggregates/count.ts';
import { distinct } from '../../../services/lib/windows/aggregates/distinct.ts';
import { max, min } from '../../../services/lib/windows/aggregates/extreme.ts';
import { several } from '../../../services/lib/windows/aggregates/several.ts';
import { sum } from '../../../services/lib/windows/aggregates/sum.ts';
import { GlobalWindows } from '../../../services/lib/windows/assigners/global.ts';
import { HoppingWindows } from '../../../services/lib/windows/assigners/hopping.ts';
import { IndexedWindows } from '../../../services/lib/windows/assigners/indexed.ts';
import { type SessionConvention, SessionWindows } from '../../../services/lib/windows/assigners/session.ts';
import { StaggerWindows } from '../../../services/lib/windows/assigners/stagger.ts';
import { TumblingWindows } from '../../../services/lib/windows/assigners/tumbling.ts';
import { type WindowCount, WindowCounts } from '../../../services/lib/windows/counts/window-counts.ts';
import { CountEvictor } from '../../../services/lib/windows/evictors/count.ts';
import { LookBackOperator } from '../../../services/lib/windows/operators/look-back-operator.ts';
import { beamPanes, type PaneRules } from '../../../services/lib/windows/operators/pane.ts';
import { SlicedWindowOperator } from '../../../services/lib/windows/operators/sliced-window-operator.ts';
import { WindowOperator } from '../../../services/lib/windows/operators/window-operator.ts';
import type { KeyedRecord } from '../../../services/lib/windows/record.ts';
import { HoppingSlices } from '../../../services/lib/windows/slices/hopping-slices.ts';
import { SlidingWindows } from '../../../services/lib/windows/stream-time/sliding-windows.ts';
import type { Emit } from '../../../services/lib/windows/stream-time/stream-time-operator.ts';
import { StreamTimeWindows } from '../../../services/lib/windows/stream-time/stream-time-windows.ts';
import { ContinuousEventTimeTrigger } from '../../../services/lib/windows/triggers/continuous-event-time.ts';
import { CountTrigger } from '../../../services/lib/windows/triggers/count.ts';
import { EventTimeTrigger } from '../../../services/lib/windows/triggers/event-time.ts';
import { FirstOfTrigger } from '../../../services/lib/windows/triggers/first-of.ts';
import { PurgingTrigger } from '../../../services/lib/windows/triggers/purging.ts';
import { RepeatTrigger } from '../../../services/lib/windows/triggers/repeat.ts';
import { fire, goOn, type Trigger } from '../../../services/lib/windows/triggers/trigger.ts';
import { BoundedDisorder } from '../../../services/lib/windows/watermarks/bounded-disorder.ts';

// #region use
/** Records may come from whatever can be iterated over. */
export const amounts: readonly KeyedRecord<number>[] = [
  { key: 'a', timestamp: 1, value: 4 },
  { key: 'b', timestamp: 7, value: 1 },
  { key: 'a', timestamp: 5, value: 2 },
  { key: 'a', timestamp: 13, value: 1 },
  { key: 'a', timestamp: 8, value: 10 },
  { key: 'b', timestamp: 18, value: 1 },
  { key: 'a', timestamp: 6, value: 5 },
];

export function totals(records: Iterable<KeyedRecord<number>>, tell: (text: string) => void): void {
  const operator = new WindowOperator({
    assigner: new TumblingWindows({ size: 10 }),
    aggregate: sum,
    allowedLateness: 5,
  });
  const watermark = new BoundedDisorder(3);

  for (const record of records) {
    const { panes, outcome } = operator.process(record);
    const complete = operator.advanceWatermark(watermark.observe(record.timestamp));
    for (const { key, window, value, timing } of [...panes, ...complete]) {
      tell(`${key} [${window.start}, ${window.end}) = ${value} ${timing}`);
    }
    if (outcome === 'late') tell(`too late: ${record.value} at ${record.timestamp}`);
  }
}
// #endregion

export const restart = () => {
  // #region restart
  const options = {
    assigner: new TumblingWindows({ size: 10 }),
    aggregate: count,
    inRange: (key: string, range: string) => key.startsWith(range),
  };
  const slow = new WindowOperator(options);
  slow.process({ key: 'a-1', timestamp: 2, value: null });
  slow.process({ key: 'b-1', timestamp: 3, value: null });
  const fast = new WindowOperator(options);
  fast.advanceWatermark(12);

  const restarted = WindowOperator.restore(options, [{ frames: slow.snapshot() }]);
  const half = WindowOperator.restore(options, [{ frames: slow.snapshot(), range: 'a' }]);
  const merged = WindowOperator.restore(options, [
    { frames: slow.snapshot(), range: 'a' },
    { frames: fast.snapshot(), range: 'c' },
  ]);
  // #endregion
  return { restarted, half, merged };
};

export const keyedCounts = () => {
  // #region keyed-counts
  const told: string[] = [];
  const tell = (window: WindowCount): void => {
    told.push(`${window.key} [${window.start}, ${window.end}) = ${window.count}`);
  };
  const options = { size: 20, slide: 10, disorder: 2 };
  const first = new WindowCounts(options, tell);
  const outcome = first.add('lisbon', 'a0000000000000000000000000000001', 3);

  const counts = WindowCounts.restore(options, [{ frames: first.snapshot() }], tell);
  // #endregion
  return { counts, told, outcome };
};

export const tumbling = () =>
  // #region tumbling
  new WindowOperator({
    assigner: new TumblingWindows({ size: 10 }),
    aggregate: collect<string>(),
  });
// #endregion

export const offset = () =>
  // #region offset
  new WindowOperator({
    assigner: new TumblingWindows({ size: 10, offset: -3 }),
    aggregate: collect<string>(),
  });
// #endregion

export const hopping = () =>
  // #region hopping
  new WindowOperator({
    assigner: new HoppingWindows({ size: 15, slide: 5 }),
    aggregate: collect<string>(),
  });
// #endregion

export const gaps = () =>
  // #region gaps
  new WindowOperator({
    assigner: new HoppingWindows({ size: 4, slide: 10 }),
    aggregate: collect<string>(),
  });
// #endregion

export const indexed = () =>
  // #region indexed
  new IndexedWindows({ size: 10, slide: 5, alignTo: 20 });
// #endregion

export const slices = () =>
  // #region slices
  new HoppingSlices({ size: 15, slide: 6 });
// #endregion

export const sliced = () =>
  // #region sliced
  new SlicedWindowOperator({
    slices: new HoppingSlices({ size: 15, slide: 5 }),
    aggregate: several({ count, sum, min, max, avg, distinct }),
  });
// #endregion

export const lookBack = () =>
  // #region look-back
  new LookBackOperator({
    span: 10,
    aggregate: collect<string>(),
  });
// #endregion

export const sliding = () =>
  // #region sliding
  new SlidingWindows({
    difference: 10,
    grace: 5,
    emit: 'on-close',
    aggregate: collect<string>(),
  });
// #endregion

export const sessionWindows = (convention: SessionConvention) => new SessionWindows({ gap: 5, convention });

// #region session
export const session = (convention: SessionConvention) =>
  new WindowOperator({
    assigner: new SessionWindows({ gap: 5, convention }),
    aggregate: collect<string>(),
  });
// #endregion

export const stagger = () =>
  // #region stagger
  new WindowOperator({
    assigner: new StaggerWindows({ age: 10 }),
    aggregate: collect<string>(),
  });
// #endregion

export const counting = () =>
  // #region count
  new WindowOperator({
    assigner: new GlobalWindows(),
    trigger: new PurgingTrigger(new CountTrigger(3)),
    aggregate: collect<string>(),
  });
// #endregion

export const continuous = () =>
  // #region continuous
  new WindowOperator({
    assigner: new GlobalWindows(),
    trigger: new ContinuousEventTimeTrigger(10),
    aggregate: collect<string>(),
  });
// #endregion

// #region own
/** Fires when a value is larger than the last one that fired. */
const newHighest: Trigger<number> = {
  open: (saved = 0) => {
    let highest = saved as number;
    return {
      onRecord: (value) => {
        if (value <= highest) return goOn;
        highest = value;
        return fire;
      },
      onTimer: () => goOn,
      nextTimer: () => undefined,
      absorb: (other) => (highest = Math.max(highest, other as number)),
      save: () => highest,
    };
  },
};

export const own = () => new WindowOperator({ assigner: new GlobalWindows(), trigger: newHighest, aggregate: count });
// #endregion

export const evicting = () =>
  // #region evictor
  new WindowOperator({
    assigner: new GlobalWindows(),
    trigger: new CountTrigger(2),
    evictor: new CountEvictor(3),
    aggregate: collect<string>(),
  });
// #endregion

// #region panes
export const panes = (mode: PaneRules['mode']) =>
  new WindowOperator({
    assigner: new TumblingWindows({ size: 10 }),
    trigger: new RepeatTrigger(new FirstOfTrigger(new CountTrigger(2), new EventTimeTrigger())),
    allowedLateness: 10,
    panes: beamPanes(mode, 'always'),
    aggregate: collect<string>(),
  });
// #endregion

export const late = () =>
  // #region late
  new WindowOperator({
    assigner: new HoppingWindows({ size: 10, slide: 5 }),
    allowedLateness: 3,
    aggregate: collect<string>(),
  });
// #endregion

// #region stream-time
export const streamTime = (emit: Emit) =>
  new StreamTimeWindows({
    size: 10,
    grace: 5,
    emit,
    aggregate: collect<string>(),
  });
// #endregion
