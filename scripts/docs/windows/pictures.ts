import type { Pane } from '../../../services/lib/windows/operators/pane.ts';
import type { Processed } from '../../../services/lib/windows/operators/window-operator.ts';
import type { KeyedRecord } from '../../../services/lib/windows/record.ts';
import { maxTime } from '../../../services/lib/windows/time.ts';
import { BoundedDisorder } from '../../../services/lib/windows/watermarks/bounded-disorder.ts';
import { IdleTimer } from '../../../services/lib/windows/watermarks/idle-timer.ts';
import { type ValveOutput, WatermarkValve } from '../../../services/lib/windows/watermarks/valve.ts';
import * as operators from './operators.ts';
import { type Bar, drawLog, drawTimeline, type Point } from './timeline.ts';

type Values = readonly string[];

interface Operator<V, R> {
  process(record: { key: string; timestamp: number; value: V }): Processed<R>;
  advanceWatermark(watermark: number): readonly Pane<R>[];
}

/** Records a, b, c … at these times. */
const lettered = (...times: readonly number[]): readonly Point[] =>
  times.map((time, i) => ({ label: String.fromCodePoint(0x61 + i), time }));

const records = lettered(1, 4, 9, 10, 17, 18, 26, 33);

const shown = (values: Values): string => (values.length === 0 ? '–' : values.join(' '));

const record = ({ label, time }: Point, key = 'k') => ({ key, timestamp: time, value: label });

const barOf = ({ window, value }: Pane<Values>): Bar => ({ start: window.start, end: window.end, note: shown(value) });

/** All records, then the end of time. */
function complete(operator: Operator<string, Values>, points = records): readonly Pane<Values>[] {
  for (const point of points) operator.process(record(point));
  return operator.advanceWatermark(maxTime);
}

const windowsOf = (operator: Operator<string, Values>, from: number, to: number, points = records): string =>
  drawTimeline({ from, to, records: { records: points }, bars: complete(operator, points).map(barOf) });

function slices(): string {
  const cut = operators.slices();
  const bars = [15, 21].map((end) => ({
    start: end - cut.size,
    end,
    note: `slices that end at ${cut.slicesOf(end).toReversed().join(', ')}`,
  }));
  const ends = [...new Set(Array.from({ length: 22 }, (_, time) => cut.sliceEnd(time) ?? 0))];
  const pieces = ends.map((end, i) => ({ start: ends[i - 1] ?? 0, end, name: `slice ${end}`, note: '' }));
  return drawTimeline({ from: 0, to: 24, records: {}, bars: [...pieces, ...bars] });
}

function lookBack(): string {
  const operator = operators.lookBack();
  const bars = records.map((point) => {
    const { from, to, value } = operator.process(record(point)) ?? { from: 0, to: 0, value: [] };
    return { start: from, end: to, inclusive: true, name: `at ${point.label}`, note: shown(value) };
  });
  return drawTimeline({ from: -10, to: 36, records: { records }, bars });
}

function sliding(): string {
  const operator = operators.sliding();
  const points = lettered(12, 15, 20, 29);
  const results = [...points.flatMap((point) => operator.process(record(point)).results), ...operator.advanceTo(maxTime)];
  const bars = results.map(({ window: [start, end], value }) => ({ start, end, inclusive: true, note: shown(value) }));
  return drawTimeline({ from: 0, to: 42, records: { records: points }, bars });
}

function sessions(): string {
  const points = lettered(1, 4, 9, 20, 26);
  const conventions = ['touching-merges', 'gap-exclusive', 'inclusive-bounds'] as const;
  const bars = conventions.flatMap((convention) =>
    complete(operators.session(convention), points).map(({ window, value }): Bar => {
      const [start, end] = operators.sessionWindows(convention).boundsOf(window);
      return { start, end, inclusive: convention === 'inclusive-bounds', name: convention, note: shown(value) };
    }),
  );
  return drawTimeline({ from: 0, to: 34, records: { records: points }, bars });
}

/** Arrival is time, so the watermark follows every record. */
function byRowTime(operator: Operator<string, Values>, rows: readonly (readonly [key: string, point: Point])[]): readonly Pane<Values>[] {
  const watermark = new BoundedDisorder(0);
  const panes = rows.flatMap(([key, point]) => {
    const due = operator.advanceWatermark(watermark.observe(point.time));
    return [...due, ...operator.process(record(point, key)).panes];
  });
  return [...panes, ...operator.advanceWatermark(maxTime)];
}

function stagger(): string {
  const rows = lettered(3, 8, 9, 12, 14, 21).map(
    (point, i) => [['tour 1', 'tour 2', 'tour 1', 'tour 1', 'tour 2', 'tour 2'][i] ?? '', point] as const,
  );
  const ofKey = (key: string): Point[] => rows.filter(([other]) => other === key).map(([, point]) => point);
  const bars = (kind: string, panes: readonly Pane<Values>[]): Bar[] =>
    panes.map((pane) => ({ ...barOf(pane), name: `${kind}, ${pane.key}` }));
  return drawTimeline({
    from: 0,
    to: 34,
    records: { 'tour 1': ofKey('tour 1'), 'tour 2': ofKey('tour 2') },
    bars: [...bars('stagger', byRowTime(operators.stagger(), rows)), ...bars('tumbling', byRowTime(operators.tumbling(), rows))],
  });
}

type Given = Point | number;

const given = (step: Given): string => (typeof step === 'number' ? `watermark ${step}` : `record ${step.label} at ${step.time}`);

/** What an operator tells at each step. */
function logOf(operator: Operator<string, Values>, steps: readonly Given[], tell: (pane: Pane<Values>) => string): string {
  return drawLog(
    steps.map((step) => {
      if (typeof step === 'number') return [given(step), operator.advanceWatermark(step).map(tell)] as const;
      const { panes, outcome, missed } = operator.process(record(step));
      const over = missed.map(({ start, end }) => `too late for [${start}, ${end})`);
      return [given(step), [...over, ...(outcome === 'late' ? ['→ late'] : []), ...panes.map(tell)]] as const;
    }),
  );
}

const point = (label: string, time: number): Point => ({ label, time });

const tellWindow = ({ window, value, timing }: Pane<Values>): string => `[${window.start}, ${window.end}) = ${shown(value)}   ${timing}`;
const tellValues = ({ value }: Pane<Values>): string => shown(value);
const tellPane = ({ value, timing, first, last, index, nonSpeculativeIndex }: Pane<Values>): string =>
  [
    shown(value).padEnd(8),
    timing.padEnd(7),
    `index ${index}, non-speculative ${nonSpeculativeIndex}`.padEnd(28),
    [first && 'first', last && 'last'].filter(Boolean).join(', '),
  ].join('  ');

const paneSteps = [point('a', 1), point('b', 2), point('c', 3), 9, point('d', 4), 19];

function own(): string {
  const operator = operators.own();
  return drawLog(
    [3, 2, 5, 4, 9].map((value, i) => {
      const { panes } = operator.process({ key: 'k', timestamp: i, value });
      return [`record of ${value}`, panes.map(({ value: seen }) => (seen === 1 ? '1 record' : `${seen} records`))] as const;
    }),
  );
}

function streamTime(): string {
  const points = [point('a', 2), point('b', 12), point('c', 4), point('d', 16), point('e', 5), point('f', 25)];
  const drawn = (['on-update', 'on-close'] as const).map((emit) => {
    const operator = operators.streamTime(emit);
    const steps = points.map((each) => {
      const { results, outcome } = operator.process(record(each));
      const told = results.map(({ window: [start, end], value }) => `[${start}, ${end}) = ${shown(value)}`);
      return [`${given(each)}, stream time ${operator.streamTime}`, outcome === 'dropped' ? ['dropped', ...told] : told] as const;
    });
    return `${emit}\n${drawLog(steps)}`;
  });
  return drawn.join('\n\n');
}

function valve(): string {
  const joint = new WatermarkValve(2);
  const told = ({ watermark, status }: ValveOutput): string[] => [
    ...(watermark === undefined ? [] : [`watermark ${watermark}`]),
    ...(status === undefined ? [] : [`all inputs are ${status}`]),
  ];
  return drawLog([
    ['input 0: watermark 10', told(joint.advance(0, 10))],
    ['input 1: watermark 7', told(joint.advance(1, 7))],
    ['input 1 is idle', told(joint.markIdle(1))],
    ['input 0: watermark 20', told(joint.advance(0, 20))],
    ['input 1 is active', told(joint.markActive(1))],
    ['input 1: watermark 12', told(joint.advance(1, 12))],
    ['input 0: watermark 25', told(joint.advance(0, 25))],
    ['input 1: watermark 30', told(joint.advance(1, 30))],
    ['input 0: watermark 28', told(joint.advance(0, 28))],
  ]);
}

function idle(): string {
  const timer = new IdleTimer(10);
  return drawLog([0, 10, 11].map((now) => [`probe at ${now}`, [timer.probe(now) ? 'idle' : 'active']] as const));
}

function use(): string {
  const steps: [given: string, told: string[]][] = [];
  const feed = function* (): Generator<KeyedRecord<number>> {
    for (const record of operators.amounts) {
      steps.push([`${record.key}: ${record.value} at ${record.timestamp}`, []]);
      yield record;
    }
  };
  operators.totals(feed(), (text) => steps.at(-1)?.[1].push(text));
  return drawLog(steps);
}

function restart(): string {
  const { restarted, half, merged } = operators.restart();
  const told = (name: string, operator: typeof merged) =>
    [
      `${name}, watermark 9`,
      operator.advanceWatermark(9).map(({ key, window, value }) => `${key} [${window.start}, ${window.end}) = ${value}`),
    ] as const;
  const late = (key: string) => [`merged, ${key} at 4`, [merged.process({ key, timestamp: 4, value: null }).outcome]] as const;
  return drawLog([told('restarted', restarted), told('half', half), late('a-2'), late('c-1'), told('merged', merged)]);
}

function keyedCounts(): string {
  const { counts, told, outcome } = operators.keyedCounts();
  const steps: [given: string, told: string[]][] = [['lisbon 01 at 3', [outcome]]];
  const more = [
    ['lisbon', 2, 9],
    ['lisbon', 2, 9],
    ['porto', 3, 12],
    ['lisbon', 4, 23],
    ['porto', 5, 2],
    ['lisbon', 6, 35],
  ] as const;
  for (const [key, id, time] of more) {
    const result = counts.add(key, id.toString(16).padStart(32, 'a0000000'), time);
    steps.push([`${key} 0${id} at ${time}`, [result, ...told.splice(0).sort()]]);
  }
  return drawLog(steps);
}

const indexed = (): string =>
  drawLog([-3, 17, 20, 31].map((time) => [`time ${time}`, [`windows ${operators.indexed().indexesOf(time).join(' and ')}`]] as const));

/** Every picture of docs/windows.md, by name. */
export const pictures: Readonly<Record<string, () => string>> = {
  use,
  restart,
  'keyed-counts': keyedCounts,
  tumbling: () => windowsOf(operators.tumbling(), 0, 40),
  offset: () => windowsOf(operators.offset(), -3, 40),
  hopping: () => windowsOf(operators.hopping(), -10, 45),
  gaps: () => windowsOf(operators.gaps(), 0, 36),
  indexed,
  slices,
  'look-back': lookBack,
  sliding,
  session: sessions,
  stagger,
  count: () => logOf(operators.counting(), records.slice(0, 7), tellValues),
  continuous: () => logOf(operators.continuous(), [point('a', 4), point('b', 8), 9, 10, point('c', 12), 15, 35, 45], tellValues),
  own,
  evictor: () => logOf(operators.evicting(), records.slice(0, 6), tellValues),
  accumulating: () => logOf(operators.panes('accumulating'), paneSteps, tellPane),
  discarding: () => logOf(operators.panes('discarding'), paneSteps, tellPane),
  late: () =>
    logOf(operators.late(), [point('a', 6), 9, point('b', 7), 12, point('c', 8), point('d', 2), 14, 17, point('e', 8)], tellWindow),
  'stream-time': streamTime,
  valve,
  idle,
};
