import type { Aggregate } from '../aggregates/aggregate.ts';
import type { AssignerContext, WindowAssigner } from '../assigners/assigner.ts';
import { mergeInto } from '../assigners/merge.ts';
import type { Evictor } from '../evictors/evictor.ts';
import { checkPlain, type Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import { EventTime } from '../state/event-time.ts';
import type { InRange } from '../state/floors.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { rowFrames } from '../state/rows.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkSpan, maxTime, recordTime } from '../time.ts';
import { compareWindows, type TimeWindow } from '../time-window.ts';
import type { Moment, Trigger } from '../triggers/trigger.ts';
import { WindowError } from '../window-error.ts';
import { aggregated, type Contents, evicted } from './contents.ts';
import { flinkPanes, type Pane, type PaneRules } from './pane.ts';
import { PaneMaker } from './pane-maker.ts';
import { type TimerSlot, WindowState } from './window-state.ts';

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
  /** The window when the timer was set: a session may have grown since, in the same place among its neighbours. */
  readonly window: TimeWindow;
  readonly slot: TimerSlot<V, C>;
}

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
  readonly #aggregate: Aggregate<V, unknown, R>;
  readonly #evicting: boolean;
  readonly #contents: Contents<V, unknown, R>;
  readonly #lateness: number;
  readonly #panes: PaneMaker<V, R>;
  readonly #keys = new Map<string, KeyWindows<V, unknown>>();
  readonly #timers = new TimerQueue<Timer<V, unknown>>(
    (a, b) => a.time - b.time || compareText(a.key, b.key) || compareWindows(a.window, b.window),
  );
  readonly #time: EventTime;
  #changes = 0;

  constructor(options: WindowOperatorOptions<V, unknown, R>) {
    const { assigner, aggregate, trigger, evictor, allowedLateness = 0, panes = flinkPanes, inRange } = options;
    checkSpan('allowedLateness', allowedLateness, 0);
    this.#assigner = assigner;
    this.#trigger = trigger ?? assigner.defaultTrigger;
    this.#aggregate = aggregate;
    this.#evicting = evictor !== undefined;
    this.#contents = evictor === undefined ? aggregated(aggregate) : evicted(aggregate, evictor);
    this.#lateness = allowedLateness;
    this.#panes = new PaneMaker(this.#contents, panes);
    this.#time = new EventTime(inRange);
  }

  get watermark(): number {
    return this.#time.now;
  }

  /** What holds for a key: the operator's watermark, or the one inherited for the key's range where that is higher. */
  watermarkOf(key: string): number {
    return this.#time.of(key);
  }

  get size(): { readonly keys: number; readonly windows: number } {
    let windows = 0;
    for (const { states } of this.#keys.values()) windows += states.size;
    return { keys: this.#keys.size, windows };
  }

  /** Throws RECORD_INVALID for a time or value that cannot be used; nothing is changed then. */
  process({ key, timestamp: time, value }: KeyedRecord<V>): Processed<R> {
    const timestamp = recordTime(time);
    this.#aggregate.check?.(value);
    if (this.#evicting) checkPlain(value);
    this.#changes += 1;
    const watermark = this.watermarkOf(key);
    const windows = this.#keys.get(key) ?? new KeyWindows<V, unknown>();
    const assigned = this.#assigner.assign(timestamp, windows);
    const panes: Pane<R>[] = [];
    const missed: TimeWindow[] = [];
    let outcome: Processed<R>['outcome'] = assigned.length === 0 ? 'outside' : 'late';
    for (const window of assigned) {
      const state = this.#stateFor(windows, window, watermark);
      if (state === undefined) {
        missed.push(window);
        continue;
      }
      const moment: Moment = { window: state.window, watermark, advancingTo: watermark };
      if (state.finished) {
        missed.push(window);
        if (outcome === 'late') outcome = 'closed';
        this.#schedule(key, state, moment);
        continue;
      }
      outcome = 'used';
      state.contents = this.#contents.add(state.contents ?? this.#contents.create(), timestamp, value);
      state.changed = true;
      const result = state.trigger.onRecord(value, timestamp, moment);
      const pane = this.#panes.obey(key, state, moment, result, 'record', this.#cleanupTime(state.window));
      if (pane !== undefined) panes.push(pane);
      this.#schedule(key, state, moment);
    }
    if (windows.states.size > 0) this.#keys.set(key, windows);
    return { panes, outcome, missed };
  }

  /** No record at or before `to` is to come. A watermark that goes back changes nothing. Returns what fires, in order of time. */
  advanceWatermark(to: number): readonly Pane<R>[] {
    if (!this.#time.advance(to)) return [];
    const watermark = this.#time.now;
    this.#changes += 1;
    const panes: Pane<R>[] = [];
    for (let timer = this.#timers.peek(); timer !== undefined && timer.time <= watermark; timer = this.#timers.peek()) {
      this.#timers.pop();
      const { key, slot, time } = timer;
      if (slot.state === undefined || slot.queuedAt !== time) continue;
      slot.queuedAt = undefined;
      if (this.#wakeTime(slot.state) > time) this.#setTimer(key, slot.state);
      else this.#wake(key, slot.state, time, panes);
    }
    this.#time.settle();
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
    operator.#time.restore(snapshotKind, parts, (key, saved) => operator.#load(key, saved));
    return operator;
  }

  *#rows(): Generator<Plain> {
    yield this.#time.save();
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
      part.slot.state = undefined;
    }
    const state = WindowState.merged(merged.window, parts, this.#trigger, this.#contents);
    states.set(merged.window.id, state);
    return state;
  }

  #wake(key: string, state: WindowState<V, unknown>, time: number, panes: Pane<R>[]): void {
    const moment: Moment = {
      window: state.window,
      watermark: this.#time.at(time, key),
      advancingTo: this.watermarkOf(key),
    };
    const cleanupTime = this.#cleanupTime(state.window);
    if (state.timer === time && !state.finished) {
      const pane = this.#panes.obey(key, state, moment, state.trigger.onTimer(time, moment), 'time', cleanupTime);
      if (pane !== undefined) panes.push(pane);
      const next = state.trigger.nextTimer(moment);
      if (next !== undefined && next <= time) {
        throw new WindowError('PARAMETER_INVALID', `a trigger asked for ${next}, which has passed at ${time}: it would never end`);
      }
    }
    if (cleanupTime > time) {
      this.#schedule(key, state, moment);
      return;
    }
    const pane = this.#panes.close(key, state, moment);
    if (pane !== undefined) panes.push(pane);
    this.#close(key, state);
  }

  #close(key: string, state: WindowState<V, unknown>): void {
    state.slot.state = undefined;
    const windows = this.#keys.get(key);
    windows?.states.delete(state.window.id);
    if (windows?.states.size === 0) this.#keys.delete(key);
  }

  #schedule(key: string, state: WindowState<V, unknown>, moment: Moment): void {
    state.timer = state.finished ? undefined : state.trigger.nextTimer(moment);
    this.#setTimer(key, state);
  }

  #wakeTime(state: WindowState<V, unknown>): number {
    return Math.min(state.timer ?? maxTime, this.#cleanupTime(state.window));
  }

  /** An earlier timer that is already set will find that it is too early, and set the next: a session that grows sets few. */
  #setTimer(key: string, state: WindowState<V, unknown>): void {
    const { slot, window } = state;
    const time = this.#wakeTime(state);
    if (slot.queuedAt !== undefined && slot.queuedAt <= time) return;
    slot.queuedAt = time;
    this.#timers.push({ time, key, window, slot });
  }
}
