import type { Aggregate } from '../aggregates/aggregate.ts';
import type { Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import type { HoppingSlices } from '../slices/hopping-slices.ts';
import { EventTime } from '../state/event-time.ts';
import type { InRange } from '../state/floors.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { rowFrames } from '../state/rows.ts';
import { misplaced, savedCount, savedList, savedTime } from '../state/saved.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkSpan, maxTime, minTime, recordTime } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { WindowError } from '../window-error.ts';
import type { Pane } from './pane.ts';
import type { Processed } from './window-operator.ts';

export interface SlicedWindowOptions<V, A, R> {
  readonly slices: HoppingSlices;
  /** Merged by time, oldest slice first. */
  readonly aggregate: Aggregate<V, A, R>;
  /** Default 0. */
  readonly allowedLateness?: number;
  /** Needed to restore parts of snapshots: which keys lie in a range. */
  readonly inRange?: InRange;
}

interface KeySlices {
  /** By slice end. */
  readonly slices: Map<number, unknown>;
  /** Ends of windows to look at when they are complete. */
  readonly pending: Set<number>;
  /** Windows that have fired and are kept for late records: end → panes so far. */
  readonly fired: Map<number, number>;
}

interface Timer {
  readonly time: number;
  readonly key: string;
  readonly windowEnd: number;
}

const snapshotKind = 'sliced-window-operator';

/**
 * Hopping windows that share their slices: a record is added once, a window is added up from size / slide slices when it is complete. It
 * tells what a WindowOperator with HoppingWindows, Flink's panes and the default trigger tells, with one accumulator per key and slice
 * instead of one per key and window.
 */
export class SlicedWindowOperator<V, R> {
  readonly #slices: HoppingSlices;
  readonly #aggregate: Aggregate<V, unknown, R>;
  readonly #lateness: number;
  readonly #keys = new Map<string, KeySlices>();
  readonly #timers = new TimerQueue<Timer>((a, b) => a.time - b.time || compareText(a.key, b.key) || a.windowEnd - b.windowEnd);
  readonly #time: EventTime;
  #changes = 0;

  constructor({ slices, aggregate, allowedLateness = 0, inRange }: SlicedWindowOptions<V, unknown, R>) {
    checkSpan('allowedLateness', allowedLateness, 0);
    this.#slices = slices;
    this.#aggregate = aggregate;
    this.#lateness = allowedLateness;
    this.#time = new EventTime(inRange);
  }

  get watermark(): number {
    return this.#time.now;
  }

  watermarkOf(key: string): number {
    return this.#time.of(key);
  }

  get size(): { readonly keys: number; readonly slices: number } {
    let slices = 0;
    for (const key of this.#keys.values()) slices += key.slices.size;
    return { keys: this.#keys.size, slices };
  }

  /** Throws RECORD_INVALID for a time or value that cannot be used; nothing is changed then. */
  process({ key, timestamp: time, value }: KeyedRecord<V>): Processed<R> {
    const timestamp = recordTime(time);
    if (Math.abs(timestamp) + this.#slices.size + this.#slices.slide >= maxTime) {
      throw new WindowError('RECORD_INVALID', `the windows of ${timestamp} do not end within time`);
    }
    this.#aggregate.check?.(value);
    this.#changes += 1;
    const slice = this.#slices.sliceEnd(timestamp);
    if (slice === undefined) return { panes: [], outcome: 'outside', missed: [] };

    const { slide } = this.#slices;
    const watermark = this.watermarkOf(key);
    const last = this.#slices.lastWindowEnd(slice);
    const missed: TimeWindow[] = [];
    let end = this.#slices.firstWindowEnd(slice);
    for (; end <= last && this.#cleanupTime(end) <= watermark; end += slide) missed.push(this.#windowOf(end));
    if (end > last) return { panes: [], outcome: 'late', missed };

    const state = this.#keys.get(key) ?? {
      slices: new Map<number, unknown>(),
      pending: new Set<number>(),
      fired: new Map<number, number>(),
    };
    this.#keys.set(key, state);
    state.slices.set(slice, this.#aggregate.add(state.slices.get(slice) ?? this.#aggregate.create(), value));
    const panes: Pane<R>[] = [];
    for (; end <= last && end - 1 <= watermark; end += slide) {
      const pane = this.#fire(key, state, end, 'LATE', false);
      if (pane !== undefined) panes.push(pane);
    }
    if (end <= last) this.#expect(key, state, end);
    return { panes, outcome: 'used', missed };
  }

  /** No record at or before `to` is to come. Returns what fires, in order of time. */
  advanceWatermark(to: number): readonly Pane<R>[] {
    if (!this.#time.advance(to)) return [];
    const watermark = this.#time.now;
    this.#changes += 1;
    const panes: Pane<R>[] = [];
    for (let timer = this.#timers.peek(); timer !== undefined && timer.time <= watermark; timer = this.#timers.peek()) {
      this.#timers.pop();
      this.#wake(timer, panes);
    }
    this.#time.settle();
    return panes;
  }

  /** All state, as frames. Take all before the next record, else this throws STATE_INVALID. */
  snapshot(): Generator<Buffer> {
    return rowFrames(snapshotKind, this.#rows(), () => this.#changes);
  }

  /** As WindowOperator.restore. */
  static restore<V, A, R>(options: SlicedWindowOptions<V, A, R>, parts: readonly SnapshotPart[]): SlicedWindowOperator<V, R> {
    const operator = new SlicedWindowOperator<V, R>(options);
    operator.#time.restore(snapshotKind, parts, (key, saved) => operator.#load(key, saved));
    return operator;
  }

  *#rows(): Iterable<unknown> {
    yield this.#time.save();
    for (const [key, { slices, pending, fired }] of this.#keys) {
      yield [key, [[...slices].map(([end, accumulator]) => [end, this.#aggregate.save(accumulator)]), [...pending], [...fired]]];
    }
  }

  #load(key: string, saved: Plain): void {
    if (this.#keys.has(key)) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    const [slices, pending, fired] = savedList(saved, 3);
    const state: KeySlices = {
      slices: new Map(savedList(slices).map((slice) => this.#loadSlice(savedList(slice, 2)))),
      pending: new Set<number>(),
      fired: new Map(savedList(fired).map((window) => this.#loadFired(savedList(window, 2)))),
    };
    this.#keys.set(key, state);
    for (const end of savedList(pending)) this.#expect(key, state, this.#savedEnd(end, 0));
    for (const end of state.fired.keys()) this.#timers.push({ time: this.#cleanupTime(end), key, windowEnd: end });
  }

  #loadSlice([end, accumulator = null]: readonly Plain[]): readonly [number, unknown] {
    return [this.#savedEnd(end, this.#slices.size), this.#aggregate.load(accumulator)];
  }

  #loadFired([end, panes]: readonly Plain[]): readonly [number, number] {
    return [this.#savedEnd(end, 0), savedCount(panes)];
  }

  /** The end of a slice or window that `process` could have made: at others, near the ends of time, adding a slide would change nothing. */
  #savedEnd(saved: Plain | undefined, after: number): number {
    const end = savedTime(saved);
    if (end + after >= maxTime || end - this.#slices.size - this.#slices.slide <= minTime) throw misplaced(end, 'an end within time');
    return end;
  }

  #windowOf(end: number): TimeWindow {
    return new TimeWindow(end - this.#slices.size, end);
  }

  #cleanupTime(windowEnd: number): number {
    return addTime(windowEnd - 1, this.#lateness);
  }

  #expect(key: string, state: KeySlices, windowEnd: number): void {
    if (state.pending.has(windowEnd)) return;
    state.pending.add(windowEnd);
    this.#timers.push({ time: windowEnd - 1, key, windowEnd });
  }

  #wake({ time, key, windowEnd }: Timer, panes: Pane<R>[]): void {
    const state = this.#keys.get(key);
    if (state === undefined) return;
    if (time === windowEnd - 1 && state.pending.delete(windowEnd)) {
      const pane = this.#fire(key, state, windowEnd, 'ON_TIME', this.#cleanupTime(windowEnd) <= this.watermarkOf(key));
      if (pane !== undefined) panes.push(pane);
      const next = this.#slices.nextTrigger(windowEnd, pane === undefined);
      if (next !== undefined) this.#expect(key, state, next);
    }
    if (this.#cleanupTime(windowEnd) <= time) this.#cleanUp(key, state, windowEnd);
  }

  /** Undefined: the window is empty. */
  #fire(key: string, state: KeySlices, windowEnd: number, timing: 'ON_TIME' | 'LATE', last: boolean): Pane<R> | undefined {
    const held = this.#slices.slicesOf(windowEnd).filter((end) => state.slices.has(end));
    if (held.length === 0) return undefined;
    const whole = held.reduceRight((sofar, end) => this.#aggregate.merge(sofar, state.slices.get(end)), this.#aggregate.create());
    const index = state.fired.get(windowEnd) ?? 0;
    if (index === 0) this.#timers.push({ time: this.#cleanupTime(windowEnd), key, windowEnd });
    state.fired.set(windowEnd, index + 1);
    const value = this.#aggregate.result(whole);
    return { key, window: this.#windowOf(windowEnd), value, timing, first: index === 0, last, index, nonSpeculativeIndex: index };
  }

  #cleanUp(key: string, state: KeySlices, windowEnd: number): void {
    for (const end of this.#slices.expiredBy(windowEnd)) state.slices.delete(end);
    state.fired.delete(windowEnd);
    if (state.slices.size === 0 && state.pending.size === 0 && state.fired.size === 0) this.#keys.delete(key);
  }
}
