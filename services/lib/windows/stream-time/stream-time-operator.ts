import type { Aggregate } from '../aggregates/aggregate.ts';
import type { Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import { EventTime } from '../state/event-time.ts';
import type { InRange } from '../state/floors.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { rowFrames } from '../state/rows.ts';
import { misplaced, savedList, savedTime } from '../state/saved.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkSpan, recordTime } from '../time.ts';
import { WindowError } from '../window-error.ts';

/** `on-update`: every change of a window; `on-close`: one final result. */
export type Emit = 'on-update' | 'on-close';

export interface StreamTimeOptions<V, A, R> {
  readonly aggregate: Aggregate<V, A, R>;
  /** How far stream time may be past a window before it closes. */
  readonly grace: number;
  readonly emit: Emit;
  /** Needed to restore parts of snapshots: which keys lie in a range. */
  readonly inRange?: InRange;
}

export interface StreamTimeResult<R> {
  readonly key: string;
  /** Bounds as the kind of window tells them. */
  readonly window: readonly [number, number];
  readonly value: R;
}

export interface StreamTimeProcessed<R> {
  readonly results: readonly StreamTimeResult<R>[];
  /** `dropped`: every window it belongs to has closed. */
  readonly outcome: 'used' | 'dropped';
  /** The record's windows that had closed: grace is judged per record and window. */
  readonly missed: readonly (readonly [number, number])[];
}

export interface OpenWindow {
  readonly start: number;
  /** A session may grow. */
  end: number;
  accumulator: unknown;
}

interface Closing {
  readonly time: number;
  readonly key: string;
  readonly window: OpenWindow;
}

/** What a record did to its key's windows. */
export interface Update {
  readonly updated: readonly OpenWindow[];
  readonly missed: readonly (readonly [number, number])[];
  readonly used: boolean;
}

/**
 * Windows in Kafka Streams' sense: no watermark, but stream time, the newest record time over all keys. It moves only with records, so
 * the last windows stay open until another one comes.
 */
export abstract class StreamTimeOperator<V, R> {
  protected readonly aggregate: Aggregate<V, unknown, R>;
  readonly #kind: string;
  readonly #emit: Emit;
  readonly #time: EventTime;
  readonly #windows = new Map<string, Map<number, OpenWindow>>();
  readonly #closings = new TimerQueue<Closing>((a, b) => a.time - b.time || a.window.start - b.window.start || compareText(a.key, b.key));
  #changes = 0;
  protected readonly grace: number;

  protected constructor(kind: string, { aggregate, grace, emit, inRange }: StreamTimeOptions<V, unknown, R>) {
    checkSpan('grace', grace, 0);
    this.#kind = kind;
    this.aggregate = aggregate;
    this.#emit = emit;
    this.#time = new EventTime(inRange);
    this.grace = grace;
  }

  get streamTime(): number {
    return this.#time.now;
  }

  /** Open windows, and records kept beside them. */
  get size(): { readonly windows: number; readonly records: number } {
    let windows = 0;
    for (const ofKey of this.#windows.values()) windows += ofKey.size;
    return { windows, records: this.recordsKept() };
  }

  /** Throws RECORD_INVALID for a time or value that cannot be used; nothing is changed then. */
  process(given: KeyedRecord<V>): StreamTimeProcessed<R> {
    const record = { ...given, timestamp: recordTime(given.timestamp) };
    if (record.timestamp < 0) throw new WindowError('RECORD_INVALID', `there is no time before 0 by stream time, got ${record.timestamp}`);
    this.check(record.value);
    this.#changes += 1;
    this.#time.advance(record.timestamp);
    const { updated, missed, used } = this.update(record, addTime(this.#time.of(record.key), -this.grace));
    const updates = this.#emit === 'on-update' ? updated.map((window) => this.#result(record.key, window)) : [];
    return { results: [...updates, ...this.#close()], outcome: used ? 'used' : 'dropped', missed };
  }

  /** Stream time that comes from elsewhere, from another key's records for example. Returns what closes. */
  advanceTo(to: number): readonly StreamTimeResult<R>[] {
    if (!this.#time.advance(to)) return [];
    this.#changes += 1;
    return this.#close();
  }

  /** All state, as frames. Take all before the next record, else this throws STATE_INVALID. */
  snapshot(): Generator<Buffer> {
    return rowFrames(this.#kind, this.#rows(), () => this.#changes);
  }

  /** Called once, on an operator that is new. */
  protected restoreFrom(parts: readonly SnapshotPart[]): this {
    this.#time.restore(this.#kind, parts, (key, saved) => {
      const [first, last, accumulator = null] = savedList(saved, 3);
      if (first === null) {
        this.loadExtra(key, accumulator);
        return;
      }
      const [start, end] = [savedTime(first), savedTime(last)];
      if (start > end) throw misplaced(saved, 'a window that ends after its start');
      this.open(key, { start, end, accumulator: this.aggregate.load(accumulator) });
    });
    return this;
  }

  protected windowsOf(key: string): ReadonlyMap<number, OpenWindow> {
    return this.#windows.get(key) ?? new Map();
  }

  protected open(key: string, window: OpenWindow): void {
    const windows = this.#windows.get(key) ?? new Map<number, OpenWindow>();
    if (windows.has(window.start)) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    windows.set(window.start, window);
    this.#windows.set(key, windows);
    this.#closings.push({ time: this.closesAt(window), key, window });
  }

  protected drop(key: string, window: OpenWindow): void {
    const windows = this.#windows.get(key);
    windows?.delete(window.start);
    if (windows?.size === 0) this.#windows.delete(key);
  }

  /** Throws RECORD_INVALID for a value that cannot be used. */
  protected check(value: V): void {
    this.aggregate.check?.(value);
  }

  /** `closeTime`: stream time − grace. */
  protected abstract update(record: KeyedRecord<V>, closeTime: number): Update;
  /** The first stream time at which the window has closed. */
  protected abstract closesAt(window: OpenWindow): number;

  /** State beside windows: rows of (key, anything). */
  protected *extras(): Generator<readonly [string, Plain]> {}
  protected recordsKept(): number {
    return 0;
  }
  protected loadExtra(_key: string, saved: Plain): void {
    throw misplaced(saved, 'a window');
  }
  /** Windows up to this stream time have closed. */
  protected passed(_streamTime: number): void {}

  *#rows(): Iterable<unknown> {
    yield this.#time.save();
    for (const [key, windows] of this.#windows) {
      for (const { start, end, accumulator } of windows.values()) yield [key, [start, end, this.aggregate.save(accumulator)]];
    }
    for (const [key, saved] of this.extras()) yield [key, [null, null, saved]];
  }

  #close(): StreamTimeResult<R>[] {
    const results: StreamTimeResult<R>[] = [];
    const { now } = this.#time;
    for (let next = this.#closings.peek(); next !== undefined && next.time <= now; next = this.#closings.peek()) {
      this.#closings.pop();
      const { key, window } = next;
      if (this.windowsOf(key).get(window.start) !== window) continue;
      if (this.closesAt(window) > next.time) {
        this.#closings.push({ time: this.closesAt(window), key, window });
        continue;
      }
      if (this.#emit === 'on-close') results.push(this.#result(key, window));
      this.drop(key, window);
    }
    this.passed(now);
    this.#time.settle();
    return results;
  }

  #result(key: string, window: OpenWindow): StreamTimeResult<R> {
    return { key, window: [window.start, window.end], value: this.aggregate.result(window.accumulator) };
  }
}
