import type { Aggregate } from '../aggregates/aggregate.ts';
import type { AssignerContext, WindowAssigner } from '../assigners/assigner.ts';
import { mergeInto } from '../assigners/merge.ts';
import type { Evictor } from '../evictors/evictor.ts';
import type { Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import { Floors, type InRange } from '../state/floors.ts';
import { readParts, type SnapshotPart } from '../state/parts.ts';
import { rowFrames } from '../state/rows.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkRecordTime, checkSpan, checkWatermark, maxTime, minTime } from '../time.ts';
import { compareWindows, type TimeWindow } from '../time-window.ts';
import type { Moment, Trigger, TriggerResult } from '../triggers/trigger.ts';
import { WindowError } from '../window-error.ts';
import { aggregated, type Contents, evicted } from './contents.ts';
import { flinkPanes, type Pane, type PaneRules, type PaneTiming } from './pane.ts';
import { WindowState } from './window-state.ts';

export interface WindowOperatorOptions<V, A, R> {
  readonly assigner: WindowAssigner;
  readonly aggregate: Aggregate<V, A, R>;
  /** Replaces the assigner's own: with a CountTrigger a tumbling window does not fire at its end. */
  readonly trigger?: Trigger<V>;
  readonly evictor?: Evictor<V>;
  /** How long a window is kept for late records after the watermark has reached its end. Default 0. */
  readonly allowedLateness?: number;
  /** Default: Flink's. */
  readonly panes?: PaneRules;
  /** Needed to restore parts of snapshots: which keys lie in a range. */
  readonly inRange?: InRange;
}

export interface Processed<R> {
  readonly panes: readonly Pane<R>[];
  /**
   * `used` by at least one window; `late` for all its windows (the side output for late data); `closed`: its windows' triggers are
   * done; `outside`: it lies between windows.
   */
  readonly outcome: 'used' | 'late' | 'closed' | 'outside';
  /** The record's windows that did not take it: lateness is judged per record and window. */
  readonly missed: readonly TimeWindow[];
}

interface Timer<V, C> {
  readonly time: number;
  readonly key: string;
  readonly state: WindowState<V, C>;
}

/** What made a trigger fire: a record that came after its window's end makes a late pane, even the first. */
type Cause = 'record' | 'time';

const snapshotKind = 'window-operator';

/** The windows of one key. */
class KeyWindows<V, C> implements AssignerContext {
  readonly states = new Map<string, WindowState<V, C>>();

  *openWindows(): Generator<TimeWindow> {
    for (const { window } of this.states.values()) yield window;
  }
}

/**
 * Windows of keyed records by event time, in Flink's sense: an assigner says which windows a record belongs to, a trigger when a window
 * emits a pane, the watermark when it is complete. A window's state is kept until the watermark has reached its last time + the allowed
 * lateness; until then late records make late panes, after that they are told as late. Its memory is one accumulator per key and window.
 */
export class WindowOperator<V, R> {
  readonly #assigner: WindowAssigner;
  readonly #trigger: Trigger<V>;
  readonly #check: (value: V) => void;
  readonly #contents: Contents<V, unknown, R>;
  readonly #lateness: number;
  readonly #rules: PaneRules;
  readonly #keys = new Map<string, KeyWindows<V, unknown>>();
  readonly #timers = new TimerQueue<Timer<V, unknown>>(
    (a, b) => a.time - b.time || compareText(a.key, b.key) || compareWindows(a.state.window, b.state.window),
  );
  readonly #floors: Floors;
  #watermark = minTime;
  #changes = 0;

  constructor(options: WindowOperatorOptions<V, unknown, R>) {
    const { assigner, aggregate, trigger, evictor, allowedLateness = 0, panes = flinkPanes, inRange = () => true } = options;
    checkSpan('allowedLateness', allowedLateness, 0);
    this.#assigner = assigner;
    this.#trigger = trigger ?? assigner.defaultTrigger;
    this.#check = (value) => aggregate.check?.(value);
    this.#contents = evictor === undefined ? aggregated(aggregate) : evicted(aggregate, evictor);
    this.#lateness = allowedLateness;
    this.#rules = panes;
    this.#floors = new Floors(inRange);
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** What holds for a key: the operator's watermark, or the one inherited for the key's range where that is higher. */
  watermarkOf(key: string): number {
    return Math.max(this.#watermark, this.#floors.at(key));
  }

  get size(): { readonly keys: number; readonly windows: number } {
    let windows = 0;
    for (const { states } of this.#keys.values()) windows += states.size;
    return { keys: this.#keys.size, windows };
  }

  /** Throws RECORD_INVALID for a time or value that cannot be used; nothing is changed then. */
  process({ key, timestamp, value }: KeyedRecord<V>): Processed<R> {
    checkRecordTime(timestamp);
    this.#check(value);
    this.#changes += 1;
    const watermark = this.watermarkOf(key);
    const windows = this.#keys.get(key) ?? new KeyWindows<V, unknown>();
    const assigned = this.#assigner.assign(timestamp, windows);
    const panes: Pane<R>[] = [];
    const missed: TimeWindow[] = [];
    let outcome: Processed<R>['outcome'] = assigned.length === 0 ? 'outside' : 'late';
    for (const window of assigned) {
      const state = this.#stateFor(windows, window, watermark);
      if (state === undefined || state.finished) {
        missed.push(window);
        if (state?.finished === true && outcome === 'late') outcome = 'closed';
        continue;
      }
      outcome = 'used';
      state.contents = this.#contents.add(state.contents ?? this.#contents.create(), timestamp, value);
      state.changed = true;
      const moment: Moment = { window: state.window, watermark, advancingTo: watermark };
      this.#obey(key, state, moment, state.trigger.onRecord(value, timestamp, moment), 'record', panes);
      this.#schedule(key, state, moment);
    }
    if (windows.states.size > 0) this.#keys.set(key, windows);
    return { panes, outcome, missed };
  }

  /** No record at or before `watermark` is to come. A watermark that goes back changes nothing. Returns what fires, in order of time. */
  advanceWatermark(watermark: number): readonly Pane<R>[] {
    checkWatermark(watermark);
    if (watermark <= this.#watermark) return [];
    this.#changes += 1;
    this.#watermark = watermark;
    const panes: Pane<R>[] = [];
    for (let timer = this.#timers.peek(); timer !== undefined && timer.time <= watermark; timer = this.#timers.peek()) {
      this.#timers.pop();
      if (timer.state.wakeAt === timer.time) this.#wake(timer, panes);
    }
    this.#floors.passed(watermark);
    return panes;
  }

  /** All state, as frames. Take all before the next record, else this throws STATE_INVALID. */
  snapshot(): Generator<Buffer> {
    return rowFrames(snapshotKind, this.#rows(), () => this.#changes);
  }

  /**
   * An operator with the state of others: one (a restart), several whose keys differ (a merge), or the keys of a range of each. The
   * options must be those it was made with. Throws SNAPSHOT_CORRUPT, SNAPSHOT_VERSION.
   */
  static restore<V, A, R>(options: WindowOperatorOptions<V, A, R>, parts: readonly SnapshotPart[]): WindowOperator<V, R> {
    const operator = new WindowOperator<V, R>(options);
    operator.#watermark = readParts(snapshotKind, parts, operator.#floors, options.inRange, (key, saved) => operator.#load(key, saved));
    return operator;
  }

  *#rows(): Generator<Plain> {
    yield [this.#watermark, this.#floors.save()];
    for (const [key, { states }] of this.#keys) {
      for (const state of states.values()) yield [key, state.save(this.#contents)];
    }
  }

  #load(key: string, saved: Plain): void {
    const windows = this.#keys.get(key) ?? new KeyWindows<V, unknown>();
    const state = WindowState.load(saved, this.#trigger, this.#contents);
    if (windows.states.has(state.window.id)) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    windows.states.set(state.window.id, state);
    this.#keys.set(key, windows);
    this.#setTimer(key, state);
  }

  #cleanupTime(window: TimeWindow): number {
    return addTime(window.maxTimestamp, this.#lateness);
  }

  /** Undefined: the window's time is over. */
  #stateFor(windows: KeyWindows<V, unknown>, assigned: TimeWindow, watermark: number): WindowState<V, unknown> | undefined {
    const { merging } = this.#assigner;
    const { states } = windows;
    const merged = merging === undefined ? { window: assigned, absorbed: [] } : mergeInto(windows.openWindows(), assigned, merging);
    const existing = states.get(merged.window.id);
    if (existing !== undefined && merged.absorbed.length < 2) return existing;
    if (this.#cleanupTime(merged.window) <= watermark) return undefined;
    const parts = merged.absorbed.map(({ id }) => states.get(id) as WindowState<V, unknown>);
    for (const part of parts) {
      states.delete(part.window.id);
      part.wakeAt = undefined;
    }
    const state = WindowState.merged(merged.window, parts, this.#trigger, this.#contents);
    states.set(merged.window.id, state);
    return state;
  }

  #wake({ time, key, state }: Timer<V, unknown>, panes: Pane<R>[]): void {
    const floor = this.#floors.at(key);
    const moment: Moment = { window: state.window, watermark: Math.max(time, floor), advancingTo: this.watermarkOf(key) };
    if (state.timer === time && !state.finished) {
      this.#obey(key, state, moment, state.trigger.onTimer(time, moment), 'time', panes);
      const next = state.trigger.nextTimer(moment);
      if (next !== undefined && next <= time) {
        throw new WindowError('PARAMETER_INVALID', `a trigger asked for ${next}, which has passed at ${time}: it would never end`);
      }
    }
    if (this.#cleanupTime(state.window) <= time) this.#close(key, state, moment, panes);
    else this.#schedule(key, state, moment);
  }

  #close(key: string, state: WindowState<V, unknown>, moment: Moment, panes: Pane<R>[]): void {
    const { closing } = this.#rules;
    const news = state.changed && state.contents !== undefined;
    if (!state.finished && !state.closed && (closing === 'always' || (closing === 'if-changed' && news))) {
      panes.push(this.#pane(key, state, timingOf(state, moment, 'time'), true));
    }
    state.wakeAt = undefined;
    const windows = this.#keys.get(key);
    windows?.states.delete(state.window.id);
    if (windows?.states.size === 0) this.#keys.delete(key);
  }

  #obey(key: string, state: WindowState<V, unknown>, moment: Moment, result: TriggerResult, cause: Cause, panes: Pane<R>[]): void {
    if (result.fire) {
      const timing = timingOf(state, moment, cause);
      const news = state.contents !== undefined && (state.changed || this.#rules.unchanged === 'emit');
      if (news || (timing === 'ON_TIME' && this.#rules.onTime === 'always')) {
        const last = result.finish || this.#nothingFollows(state, moment);
        panes.push(this.#pane(key, state, timing, last));
      }
    }
    if (result.purge || result.finish) state.contents = undefined;
    state.finished ||= result.finish;
  }

  /** While the watermark jumps past the window's clean-up, the pane of its last timer is its last. */
  #nothingFollows(state: WindowState<V, unknown>, moment: Moment): boolean {
    const cleanup = this.#cleanupTime(state.window);
    return cleanup <= moment.advancingTo && (state.trigger.nextTimer(moment) ?? maxTime) > cleanup;
  }

  #pane(key: string, state: WindowState<V, unknown>, timing: PaneTiming, last: boolean): Pane<R> {
    const { value, left } = this.#contents.fire(state.contents ?? this.#contents.create());
    if (state.contents !== undefined) state.contents = this.#rules.mode === 'discarding' ? undefined : left;
    state.changed = false;
    state.closed = last;
    const index = state.index++;
    const nonSpeculativeIndex = timing === 'EARLY' ? -1 : state.nonSpeculativeIndex++;
    return { key, window: state.window, value, timing, first: index === 0, last, index, nonSpeculativeIndex };
  }

  #schedule(key: string, state: WindowState<V, unknown>, moment: Moment): void {
    state.timer = state.finished ? undefined : state.trigger.nextTimer(moment);
    this.#setTimer(key, state);
  }

  #setTimer(key: string, state: WindowState<V, unknown>): void {
    const time = Math.min(state.timer ?? maxTime, this.#cleanupTime(state.window));
    if (state.wakeAt === time) return;
    state.wakeAt = time;
    this.#timers.push({ time, key, state });
  }
}

function timingOf<V>(state: WindowState<V, unknown>, { window, watermark }: Moment, cause: Cause): PaneTiming {
  if (watermark < window.maxTimestamp) return 'EARLY';
  return cause === 'record' || state.nonSpeculativeIndex > 0 ? 'LATE' : 'ON_TIME';
}
