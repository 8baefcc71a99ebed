import type { Aggregate } from '../aggregates/aggregate.ts';
import type { Element } from '../evictors/evictor.ts';
import { checkPlain, type Plain } from '../plain.ts';
import type { KeyedRecord } from '../record.ts';
import { loadElements, saveElements } from '../state/elements.ts';
import { EventTime } from '../state/event-time.ts';
import type { InRange } from '../state/floors.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { rowFrames } from '../state/rows.ts';
import { misplaced } from '../state/saved.ts';
import { compareText, TimerQueue } from '../state/timer-queue.ts';
import { addTime, checkSpan, minTime, recordTime } from '../time.ts';
import { WindowError } from '../window-error.ts';

export interface LookBackOptions<V, A, R> {
  /** How far a record looks back. */
  readonly span: number;
  readonly aggregate: Aggregate<V, A, R>;
  /** A record at or before watermark − allowedLateness is late. Default 0. */
  readonly allowedLateness?: number;
  /** Needed to restore parts of snapshots: which keys lie in a range. */
  readonly inRange?: InRange;
}

/** What one record sees: both ends belong to it. */
export interface LookBack<R> {
  readonly key: string;
  readonly from: number;
  readonly to: number;
  readonly value: R;
}

interface Timer {
  readonly time: number;
  readonly key: string;
}

const snapshotKind = 'look-back-operator';

/**
 * One result per record: over the key's records of the last `span` up to and with it, [timestamp − span, timestamp], by time (SQL: RANGE
 * span PRECEDING). Nothing waits for a watermark; a record that comes out of order sees what has come so far. Keeps every record that
 * one to come may see, and adds up those in sight for each: for spans with few records per key.
 */
export class LookBackOperator<V, R> {
  readonly #span: number;
  readonly #aggregate: Aggregate<V, unknown, R>;
  readonly #lateness: number;
  /** By time, then arrival; never empty. Each key has one timer. */
  readonly #keys = new Map<string, Element<V>[]>();
  readonly #timers = new TimerQueue<Timer>((a, b) => a.time - b.time || compareText(a.key, b.key));
  readonly #time: EventTime;
  #changes = 0;

  constructor({ span, aggregate, allowedLateness = 0, inRange }: LookBackOptions<V, unknown, R>) {
    checkSpan('span', span, 0);
    checkSpan('allowedLateness', allowedLateness, 0);
    this.#span = span;
    this.#aggregate = aggregate;
    this.#lateness = allowedLateness;
    this.#time = new EventTime(inRange);
  }

  watermarkOf(key: string): number {
    return this.#time.of(key);
  }

  get size(): { readonly keys: number; readonly records: number } {
    let records = 0;
    for (const elements of this.#keys.values()) records += elements.length;
    return { keys: this.#keys.size, records };
  }

  /** Undefined: the record is late. Throws RECORD_INVALID for a time or value that cannot be used; nothing is changed then. */
  process({ key, timestamp: time, value }: KeyedRecord<V>): LookBack<R> | undefined {
    const timestamp = recordTime(time);
    checkPlain(value);
    this.#aggregate.check?.(value);
    if (addTime(timestamp, this.#lateness) <= this.watermarkOf(key)) return undefined;
    this.#changes += 1;
    const elements = this.#keys.get(key) ?? this.#open(key, timestamp, []);
    let place = elements.length;
    while (place > 0 && (elements[place - 1] as Element<V>).timestamp > timestamp) place -= 1;
    elements.splice(place, 0, { timestamp, value });

    const from = addTime(timestamp, -this.#span);
    let first = place;
    while (first > 0 && (elements[first - 1] as Element<V>).timestamp >= from) first -= 1;
    let accumulator = this.#aggregate.create();
    for (const element of elements.slice(first, place + 1)) accumulator = this.#aggregate.add(accumulator, element.value);
    return { key, from, to: timestamp, value: this.#aggregate.result(accumulator) };
  }

  /** Forgets what no record to come can see. */
  advanceWatermark(to: number): void {
    if (!this.#time.advance(to)) return;
    const watermark = this.#time.now;
    this.#changes += 1;
    for (let timer = this.#timers.peek(); timer !== undefined && timer.time <= watermark; timer = this.#timers.peek()) {
      this.#timers.pop();
      const elements = this.#keys.get(timer.key);
      if (elements === undefined) continue;
      const kept = elements.filter(({ timestamp }) => this.#lastUse(timestamp) > watermark);
      if (kept[0] === undefined) this.#keys.delete(timer.key);
      else this.#open(timer.key, kept[0].timestamp, kept);
    }
    this.#time.settle();
  }

  /** All state, as frames. Take all before the next record, else this throws STATE_INVALID. */
  snapshot(): Generator<Buffer> {
    return rowFrames(snapshotKind, this.#rows(), () => this.#changes);
  }

  /** As WindowOperator.restore. */
  static restore<V, A, R>(options: LookBackOptions<V, A, R>, parts: readonly SnapshotPart[]): LookBackOperator<V, R> {
    const operator = new LookBackOperator<V, R>(options);
    operator.#time.restore(snapshotKind, parts, (key, saved) => operator.#load(key, saved));
    return operator;
  }

  *#rows(): Iterable<unknown> {
    yield this.#time.save();
    for (const [key, elements] of this.#keys) yield [key, saveElements(elements)];
  }

  #load(key: string, saved: Plain): void {
    if (this.#keys.has(key)) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    const elements = loadElements<V>(saved);
    if (elements.some(({ timestamp }, i) => timestamp < (elements[i - 1]?.timestamp ?? minTime))) throw misplaced(saved, 'records by time');
    if (elements[0] !== undefined) this.#open(key, elements[0].timestamp, elements);
  }

  #open(key: string, oldest: number, elements: Element<V>[]): Element<V>[] {
    this.#keys.set(key, elements);
    this.#timers.push({ time: this.#lastUse(oldest), key });
    return elements;
  }

  /** From this watermark on, whatever looks back as far as `timestamp` is late. */
  #lastUse(timestamp: number): number {
    return addTime(addTime(timestamp, this.#span), this.#lateness);
  }
}
