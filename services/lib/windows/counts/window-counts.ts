import { SnapshotTurn } from '../snapshot/turn.ts';
import { Floors } from '../state/floors.ts';
import type { SnapshotPart } from '../state/parts.ts';
import { EventId } from '../tables/event-id.ts';
import { IdSet } from '../tables/id-set.ts';
import { PackedKey } from '../tables/packed-key.ts';
import { checkedWatermark, maxTime, minTime, recordTime } from '../time.ts';
import { windowStart } from '../time-window.ts';
import { BoundedDisorder } from '../watermarks/bounded-disorder.ts';
import { WindowError } from '../window-error.ts';
import { CellStore, noCell, type Slice } from './cells.ts';
import { type CheckedOptions, checkedOptions, type WindowCountsOptions } from './counts-options.ts';
import { CountsRestore, countsFrames } from './counts-snapshot.ts';
import { KeyRows } from './key-rows.ts';

/** `refused`: a bound of memory or of exact arithmetic is reached. All but `used` leave everything as it was. */
export type CountOutcome = 'used' | 'late' | 'duplicate' | 'refused';

/** One key in one window that has closed. There is one object for all: read it before the callback returns. */
export interface WindowCount {
  readonly key: string;
  /** The window is [start, end). */
  readonly start: number;
  readonly end: number;
  readonly count: number;
  /** 0 unless the options ask for sums. */
  readonly sum: number;
}

/** As SnapshotPart, from a stream. */
export interface SnapshotStreamPart {
  readonly frames: AsyncIterable<Uint8Array>;
  readonly range?: string;
}

export type Emit = (result: WindowCount) => void;

export interface CountsSize {
  readonly keys: number;
  readonly cells: number;
  readonly ids: number;
  /** Records refused since the start. */
  readonly refused: number;
  /** Of all tables. */
  readonly bytes: number;
}

/** Counts of a key are 32-bit integers. */
const maxEvents = 2 ** 31 - 1;

/**
 * Counts and sums per key in tumbling or hopping windows, in typed arrays. It tells what a WindowOperator with TumblingWindows or
 * HoppingWindows tells when each of its windows fires once, at its end (allowed lateness 0).
 *
 * A record adds to one cell, that of its key and slice. When a window closes, the slice that enters is added to each key's total, the
 * totals are told, and the slice that leaves is taken away: the cost per window does not depend on how many slices it has.
 */
export class WindowCounts {
  readonly #options: CheckedOptions;
  readonly #emit: Emit;
  readonly #ids: IdSet;
  readonly #keys: KeyRows;
  readonly #cells: CellStore;
  readonly #slices = new Map<number, Slice>();
  readonly #floors: Floors;
  readonly #times: BoundedDisorder;
  readonly #result: Result;
  readonly #key = new PackedKey();
  readonly #id = new EventId();
  #watermark = minTime;
  /** End of the next window to close. Slices that end before it have entered the totals. */
  #next = Number.NEGATIVE_INFINITY;
  /** Records in the totals. */
  #entered = 0;
  #events = 0;
  #magnitude = 0;
  #refused = 0;
  /** The slice of the last record. */
  #slice: Slice | undefined;
  readonly #turn = new SnapshotTurn();

  /** `emit` must neither throw nor call back; results of one window come in no particular order. Throws PARAMETER_INVALID. */
  constructor(options: WindowCountsOptions, emit: Emit) {
    this.#options = checkedOptions(options);
    const { partitionBits, summing, disorder, inRange } = this.#options;
    this.#emit = emit;
    this.#ids = new IdSet(partitionBits);
    this.#keys = new KeyRows(partitionBits, summing);
    this.#cells = new CellStore(summing);
    this.#floors = new Floors(inRange);
    this.#times = new BoundedDisorder(disorder);
    this.#result = new Result(this.#keys);
  }

  get watermark(): number {
    return this.#watermark;
  }

  /** What holds for a key: the watermark, or the one inherited for the key's range where that is higher. */
  watermarkOf(key: string): number {
    return Math.max(this.#watermark, this.#floors.at(key));
  }

  get size(): CountsSize {
    return {
      keys: this.#keys.live,
      cells: this.#cells.size,
      ids: this.#ids.size,
      refused: this.#refused,
      bytes: this.#ids.bytes + this.#keys.bytes + this.#cells.bytes,
    };
  }

  /**
   * Counts a record, and tells the windows that it closes. `eventId`: 32 lower-case hex digits, by which a record that comes again is
   * seen; undefined where none can. `value` only matters where sums are asked for. Throws RECORD_INVALID; nothing is changed then.
   */
  add(key: string, eventId: string | undefined, timestamp: number, value = 0): CountOutcome {
    const { size, slide, summing, maxKeys, maxCells } = this.#options;
    const time = recordTime(timestamp);
    if (Math.abs(time) + size + slide >= maxTime) throw new WindowError('RECORD_INVALID', `the windows of ${time} do not end within time`);
    if (!Number.isSafeInteger(value)) throw new WindowError('RECORD_INVALID', `only safe integers can be added exactly, got ${value}`);
    const id = this.#id;
    if (eventId !== undefined && !id.parse(eventId)) throw new WindowError('RECORD_INVALID', `not an event id: ${eventId}`);
    if (time < this.#horizonOf(key)) return 'late';
    if (eventId !== undefined && this.#ids.has(id, this.#horizon)) return 'duplicate';

    const packed = this.#key.pack(key);
    const found = this.#keys.find(packed);
    const magnitude = summing ? Math.abs(value) : 0;
    const { size: cells } = this.#cells;
    if (
      cells >= maxCells ||
      this.#events >= maxEvents ||
      this.#magnitude + magnitude > Number.MAX_SAFE_INTEGER ||
      (this.#keys.live >= maxKeys && (found === undefined || !this.#keys.isLive(found)))
    ) {
      this.#refused++;
      return 'refused';
    }

    const row = found ?? this.#keys.insert(packed);
    this.#count(this.#sliceOf(time), row, 1, value, magnitude);
    const watermark = this.#times.observe(time);
    if (watermark > this.#watermark) this.#advance(watermark);
    if (eventId !== undefined) this.#ids.add(id, time, this.#horizon);
    return 'used';
  }

  /** No record at or before `to` is to come: closes windows. A watermark that goes back changes nothing. Throws PARAMETER_INVALID. */
  advanceWatermark(to: number): void {
    const watermark = checkedWatermark(to);
    if (watermark > this.#watermark) this.#advance(watermark);
  }

  /**
   * The state as it is now, as frames, which are made as they are asked for: records may be added between two of them without effect
   * on them. One snapshot at a time: the next call ends the one before, which then throws.
   */
  snapshot(): Generator<Buffer> {
    return countsFrames(
      {
        watermark: this.#watermark,
        horizon: this.#horizon,
        floors: this.#floors.save(),
        ids: this.#ids,
        keys: this.#keys,
        cells: this.#cells,
        slices: [...this.#slices.values()],
        turn: this.#turn,
      },
      this.#options,
    );
  }

  /**
   * The state of others: of one (a restart), of several whose keys differ (a merge), or of the keys of a range of each. Size, slide,
   * offset and summing must be theirs. Throws SNAPSHOT_CORRUPT, SNAPSHOT_VERSION, STATE_INVALID.
   */
  static restore(options: WindowCountsOptions, parts: readonly SnapshotPart[], emit: Emit): WindowCounts {
    const counts = new WindowCounts(options, emit);
    const restore = counts.#restoring(options);
    for (const { frames, range } of parts) restore.read(frames, range);
    return counts.#restored(restore);
  }

  /** The same from streams; other work may run between two of their chunks. */
  static async restoreStream(options: WindowCountsOptions, parts: readonly SnapshotStreamPart[], emit: Emit): Promise<WindowCounts> {
    const counts = new WindowCounts(options, emit);
    const restore = counts.#restoring(options);
    for (const { frames, range } of parts) await restore.readStream(frames, range);
    return counts.#restored(restore);
  }

  #restoring(options: WindowCountsOptions): CountsRestore {
    this.#keys.hold(); // keys come before their cells
    return new CountsRestore(this.#options, options.inRange !== undefined, this.#floors, {
      key: (key) => this.#newRow(key),
      cell: (end, row, count, sum, magnitude) => this.#count(this.#sliceAt(end), row, count, sum, magnitude),
      id: (id, time) => {
        if (!this.#ids.has(id, time)) this.#ids.add(id, time, Number.NEGATIVE_INFINITY);
      },
    });
  }

  #restored(restore: CountsRestore): this {
    this.#watermark = restore.finish();
    this.#keys.release();
    this.#next = this.#firstOpen(this.#watermark);
    for (const slice of this.#slices.values()) if (slice.end < this.#next) this.#enter(slice);
    return this;
  }

  #newRow(key: string): number {
    const packed = this.#key.pack(key);
    if (this.#keys.find(packed) !== undefined) throw new WindowError('STATE_INVALID', `key ${key} is in two of the snapshots`);
    return this.#keys.insert(packed);
  }

  /** Adds to the key's cell in a slice. */
  #count(slice: Slice, row: number, count: number, sum: number, magnitude: number): void {
    const keys = this.#keys;
    const newest = keys.newestCell(row);
    if (this.#cells.isIn(slice, newest)) {
      this.#cells.add(newest, count, sum);
    } else {
      keys.linkCell(row, this.#cells.append(slice, row, count, sum));
    }
    slice.events += count;
    slice.magnitude += magnitude;
    this.#events += count;
    this.#magnitude += magnitude;
    if (slice.end < this.#next) {
      keys.addTotal(row, count, sum);
      this.#entered += count;
    }
    if (slice.cells >= slice.mergeAt) this.#merge(slice);
  }

  /** A key whose records alternate between slices takes a new cell each time: puts those of one key together. */
  #merge(slice: Slice): void {
    const [keys, cells] = [this.#keys, this.#cells];
    const merged = cells.slice(slice.end);
    cells.visit(slice, (row, count, sum) => {
      const newest = keys.newestCell(row);
      if (cells.isIn(merged, newest)) {
        cells.add(newest, count, sum);
        keys.unlinkCell(row);
        return;
      }
      keys.moveCell(row, cells.append(merged, row, count, sum));
    });
    cells.drop(slice);
    merged.events = slice.events;
    merged.magnitude = slice.magnitude;
    merged.mergeAt = Math.max(slice.mergeAt, 2 * merged.cells);
    this.#slices.set(slice.end, merged);
    this.#slice = merged;
  }

  #sliceOf(time: number): Slice {
    const last = this.#slice;
    const { offset, slide } = this.#options;
    if (last !== undefined && time < last.end && time >= last.end - slide) return last;
    return this.#sliceAt(windowStart(time, offset, slide) + slide);
  }

  #sliceAt(end: number): Slice {
    let slice = this.#slices.get(end);
    if (slice === undefined) {
      slice = this.#cells.slice(end);
      this.#slices.set(end, slice);
    }
    this.#slice = slice;
    return slice;
  }

  #advance(watermark: number): void {
    this.#watermark = watermark;
    if (watermark >= this.#next - 1) this.#closeUpTo(watermark);
    this.#floors.passed(watermark);
  }

  #closeUpTo(watermark: number): void {
    const open = this.#firstOpen(watermark);
    let ends: number[] | undefined;
    while (this.#next < open) {
      if (this.#entered > 0 || this.#slices.has(this.#next)) {
        this.#close(this.#next);
      } else {
        // Nothing is in the next window but what enters now, so all up to the first slice are empty.
        ends ??= [...this.#slices.keys()].sort((a, b) => b - a);
        let end = ends.pop();
        while (end !== undefined && !this.#slices.has(end)) end = ends.pop();
        this.#next = Math.min(end ?? open, open);
      }
    }
  }

  #close(end: number): void {
    const { size, slide } = this.#options;
    const entering = this.#slices.get(end);
    if (entering !== undefined) this.#enter(entering);
    try {
      this.#tell(end);
    } finally {
      const leaving = this.#slices.get(end - size + slide);
      if (leaving !== undefined) this.#leave(leaving);
      this.#next = end + slide;
    }
  }

  #tell(end: number): void {
    const [result, floors, keys, emit] = [this.#result, this.#floors, this.#keys, this.#emit];
    const inherits = !floors.isEmpty;
    result.start = end - this.#options.size;
    result.end = end;
    keys.forEachTotal((row, count) => {
      if (inherits && floors.at(keys.keyOf(row)) >= end - 1) return;
      result.row = row;
      result.count = count;
      result.sum = keys.sum(row);
      emit(result);
    });
  }

  #enter(slice: Slice): void {
    const keys = this.#keys;
    this.#cells.visit(slice, (row, count, sum) => keys.addTotal(row, count, sum));
    this.#entered += slice.events;
  }

  #leave(slice: Slice): void {
    const [keys, cells] = [this.#keys, this.#cells];
    cells.visit(slice, (row, count, sum) => {
      keys.addTotal(row, -count, -sum);
      if (cells.isIn(slice, keys.newestCell(row))) keys.moveCell(row, noCell);
      keys.unlinkCell(row);
    });
    this.#entered -= slice.events;
    this.#events -= slice.events;
    this.#magnitude -= slice.magnitude;
    cells.drop(slice);
    this.#slices.delete(slice.end);
    if (this.#slice === slice) this.#slice = undefined;
  }

  /** End of the first window that a watermark leaves open. */
  #firstOpen(watermark: number): number {
    const { offset, slide } = this.#options;
    // No record lies as near to the extremes as this.
    if (watermark <= minTime + slide) return Number.NEGATIVE_INFINITY;
    if (watermark >= maxTime - slide) return Number.POSITIVE_INFINITY;
    return windowStart(watermark + 1, offset, slide) + slide;
  }

  /** The oldest time a record can have and be used. */
  #horizonAt(watermark: number): number {
    return Math.max(this.#firstOpen(watermark) - this.#options.size, watermark - this.#options.maxDelay);
  }

  get #horizon(): number {
    return Math.max(this.#next - this.#options.size, this.#watermark - this.#options.maxDelay);
  }

  #horizonOf(key: string): number {
    const floor = this.#floors.at(key);
    return floor > this.#watermark ? this.#horizonAt(floor) : this.#horizon;
  }
}

class Result implements WindowCount {
  readonly #keys: KeyRows;
  row = 0;
  start = 0;
  end = 0;
  count = 0;
  sum = 0;

  constructor(keys: KeyRows) {
    this.#keys = keys;
  }

  get key(): string {
    return this.#keys.keyOf(this.row);
  }
}
