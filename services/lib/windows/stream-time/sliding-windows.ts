import type { Element } from '../evictors/evictor.ts';
import { checkPlain, type Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import { loadElements, saveElements } from '../state/elements.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkSpan } from '../time.ts';
import { WindowError } from '../window-error.ts';
import { type OpenWindow, StreamTimeOperator, type StreamTimeOptions, type Update } from './stream-time-operator.ts';

export interface SlidingWindowsOptions<V, A, R> extends StreamTimeOptions<V, A, R> {
  /** Newest − oldest record of a window, at most. */
  readonly difference: number;
}

interface Expiry {
  readonly time: number;
  readonly key: string;
}

/**
 * Kafka's sliding windows: every different set of a key's records that lie at most `difference` apart is one window, told as
 * [start, end] with both ends included. A record at t makes [t − difference, t], and [t + 1, t + 1 + difference] as soon as a record lies
 * in it; starts are never negative, so records before `difference` share [0, difference]. A window is open while
 * end ≥ stream time − grace (KStreamSlidingWindowAggregate). A record that is late for its own window still counts in those open.
 */
export class SlidingWindows<V, R> extends StreamTimeOperator<V, R> {
  readonly #difference: number;
  /** Records that an open window or one to come may hold, in order of arrival. */
  readonly #records = new Map<string, Element<V>[]>();
  readonly #expiries = new TimerQueue<Expiry>((a, b) => a.time - b.time || compareText(a.key, b.key));

  constructor(options: SlidingWindowsOptions<V, unknown, R>) {
    super('sliding-windows', options);
    checkSpan('difference', options.difference, 0);
    this.#difference = options.difference;
  }

  static restore<V, A, R>(options: SlidingWindowsOptions<V, A, R>, parts: readonly SnapshotPart[]): SlidingWindows<V, R> {
    return new SlidingWindows<V, R>(options).restoreFrom(parts);
  }

  protected override check(value: V): void {
    checkPlain(value);
    super.check(value);
  }

  protected override closesAt({ end }: OpenWindow): number {
    return addTime(end, this.grace + 1);
  }

  protected override update({ key, timestamp, value }: KeyedRecord<V>, closeTime: number): Update {
    const ownStart = Math.max(0, timestamp - this.#difference);
    const ownEnd = addTime(ownStart, this.#difference);
    const missed: (readonly [number, number])[] = ownEnd < closeTime ? [[ownStart, ownEnd]] : [];
    // The last window that can hold it starts with it.
    if (addTime(timestamp, this.#difference) < closeTime) return { updated: [], missed, used: false };

    const updated: OpenWindow[] = [];
    for (const window of this.windowsOf(key).values()) {
      if (timestamp < window.start || timestamp > window.end) continue;
      window.accumulator = this.aggregate.add(window.accumulator, value);
      updated.push(window);
    }
    const records = this.#records.get(key) ?? [];
    records.push({ timestamp, value });
    this.#keep(key, records, timestamp);
    for (const start of this.#startsFor(records, timestamp, ownStart)) {
      const end = addTime(start, this.#difference);
      if (end < closeTime || this.windowsOf(key).has(start)) continue;
      const window = this.#windowOver(records, start, end);
      if (window === undefined) continue;
      this.open(key, window);
      updated.push(window);
    }
    return { updated: updated.sort((a, b) => a.start - b.start), missed, used: true };
  }

  protected override *extras(): Generator<readonly [string, Plain]> {
    for (const [key, records] of this.#records) yield [key, saveElements(records)];
  }

  protected override recordsKept(): number {
    let kept = 0;
    for (const records of this.#records.values()) kept += records.length;
    return kept;
  }

  protected override loadExtra(key: string, saved: Plain): void {
    if (this.#records.has(key)) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    const records = loadElements<V>(saved);
    for (const { timestamp } of records) this.#keep(key, records, timestamp);
  }

  protected override passed(streamTime: number): void {
    for (let next = this.#expiries.peek(); next !== undefined && next.time <= streamTime; next = this.#expiries.peek()) {
      this.#expiries.pop();
      const kept = this.#records.get(next.key)?.filter(({ timestamp }) => this.#uselessAt(timestamp) > streamTime) ?? [];
      if (kept.length === 0) this.#records.delete(next.key);
      else this.#records.set(next.key, kept);
    }
  }

  /** Windows that the record may have made: its own, the one after it, and those after the records before it. */
  *#startsFor(records: readonly Element<V>[], timestamp: number, ownStart: number): Generator<number> {
    yield ownStart;
    yield timestamp + 1;
    for (const before of records) {
      if (before.timestamp < timestamp && timestamp <= before.timestamp + 1 + this.#difference) yield before.timestamp + 1;
    }
  }

  /** Undefined: no record lies in it. */
  #windowOver(records: readonly Element<V>[], start: number, end: number): OpenWindow | undefined {
    const held = records.filter(({ timestamp }) => start <= timestamp && timestamp <= end);
    if (held.length === 0) return undefined;
    return { start, end, accumulator: held.reduce((sofar, { value }) => this.aggregate.add(sofar, value), this.aggregate.create()) };
  }

  #keep(key: string, records: Element<V>[], timestamp: number): void {
    this.#records.set(key, records);
    this.#expiries.push({ time: this.#uselessAt(timestamp), key });
  }

  /** The window after a record is the last that its being there can make. */
  #uselessAt(timestamp: number): number {
    return addTime(addTime(timestamp, this.#difference), this.grace + 2);
  }
}
