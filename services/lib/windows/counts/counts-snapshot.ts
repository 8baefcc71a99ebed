import type { Plain } from '../plain.ts';
import type { ByteReader } from '../snapshot/byte-reader.ts';
import type { ByteWriter } from '../snapshot/byte-writer.ts';
import { readSnapshot, readSnapshotStream } from '../snapshot/read.ts';
import { corrupt } from '../snapshot/snapshot-error.ts';
import type { SnapshotTurn } from '../snapshot/turn.ts';
import { snapshotFrames } from '../snapshot/write.ts';
import { Floors } from '../state/floors.ts';
import { checkRanges, inheritTimes } from '../state/parts.ts';
import { EventId } from '../tables/event-id.ts';
import type { IdSet } from '../tables/id-set.ts';
import { WindowError } from '../window-error.ts';
import type { CellStore, Slice } from './cells.ts';
import type { CheckedOptions } from './counts-options.ts';
import type { KeyRows } from './key-rows.ts';

/** Version 1 is the first. A build reads the version it writes and the one before. */
const version = 1;
const format = { kind: 'window-counts', version, versions: [version] };

/** The content is a list of records: the head, then ids, keys with their row numbers, and runs of a slice's cells by row number. */
const records = { head: 1, id: 2, key: 3, cells: 4 } as const;

/** Cells in one record. */
const runCells = 1_024;

export interface CountsContent {
  readonly watermark: number;
  /** Ids before it are not written. */
  readonly horizon: number;
  readonly floors: Plain;
  readonly ids: IdSet;
  readonly keys: KeyRows;
  readonly cells: CellStore;
  readonly slices: readonly Slice[];
  readonly turn: SnapshotTurn;
}

type Windows = Pick<CheckedOptions, 'size' | 'slide' | 'offset' | 'summing'>;

/** The frames of a state as it is at the call. */
export function countsFrames(content: CountsContent, options: Windows): Generator<Buffer> {
  const { watermark, horizon, floors, ids, keys, cells, turn } = content;
  ids.beginWalk(horizon);
  keys.hold();
  const magnitudes = content.slices.map(({ magnitude }) => magnitude);
  const frozen = cells.freeze(content.slices);

  function* walk(out: ByteWriter): Generator<void> {
    out.byte(records.head);
    for (const value of windowsOf(options)) out.int(value);
    out.int(watermark);
    out.text(JSON.stringify(floors));
    yield;
    yield* ids.walk(({ a, b, c, d }, time) => {
      out.byte(records.id);
      for (const word of [a, b, c, d]) out.word(word);
      out.int(time);
    });
    yield* keys.walk((row) => {
      out.byte(records.key);
      out.uint(row);
      out.text(keys.keyOf(row));
    });
    for (const [i, slice] of frozen.entries()) {
      for (let first = 0; first < slice.cells; first += runCells) {
        const last = Math.min(first + runCells, slice.cells);
        out.byte(records.cells);
        out.int(slice.end);
        out.uint(magnitudes[i] as number);
        out.uint(last - first);
        slice.visit(first, last, (row, count, sum) => {
          out.uint(row);
          out.uint(count);
          if (options.summing) out.int(sum);
        });
        yield;
      }
    }
  }

  const end = (): void => {
    ids.endWalk();
    keys.release();
    cells.thaw();
  };
  return turn.take(snapshotFrames(format, walk), end);
}

/** What a snapshot's records are put into. */
export interface CountsSink {
  /** Returns the key's row. */
  key(key: string): number;
  /** `magnitude`: of all the slice's records, given once. */
  cell(sliceEnd: number, row: number, count: number, sum: number, magnitude: number): void;
  id(id: EventId, time: number): void;
}

/** Reads snapshots into a sink, and their watermarks into `floors`. */
export class CountsRestore {
  readonly #options: CheckedOptions;
  readonly #canTell: boolean;
  readonly #floors: Floors;
  readonly #sink: CountsSink;
  readonly #parts: PartReader[] = [];

  /** `canTell`: the options say which keys lie in a range. */
  constructor(options: CheckedOptions, canTell: boolean, floors: Floors, sink: CountsSink) {
    this.#options = options;
    this.#canTell = canTell;
    this.#floors = floors;
    this.#sink = sink;
  }

  read(frames: Iterable<Uint8Array>, range: string | undefined): void {
    const part = this.#part(range);
    for (const { content } of readSnapshot(frames, format)) part.read(content);
  }

  async readStream(frames: AsyncIterable<Uint8Array>, range: string | undefined): Promise<void> {
    const part = this.#part(range);
    for await (const { content } of readSnapshotStream(frames, format)) part.read(content);
  }

  /** Returns the watermark that holds for all; keys of the parts ahead of it keep theirs by a floor. */
  finish(): number {
    checkRanges(this.#parts, this.#canTell);
    const parts = this.#parts.map(({ range, head }) => ({ range, time: head.watermark, floors: head.inherited }));
    return inheritTimes(parts, this.#floors, this.#canTell);
  }

  #part(range: string | undefined): PartReader {
    const part = new PartReader(this.#options, this.#sink, range);
    this.#parts.push(part);
    return part;
  }
}

interface Head {
  readonly watermark: number;
  readonly inherited: ReturnType<typeof Floors.saved>;
}

class PartReader {
  readonly #options: CheckedOptions;
  readonly #sink: CountsSink;
  readonly range: string | undefined;
  readonly #rows = new RowNumbers();
  readonly #magnitudes = new Set<number>();
  readonly #id = new EventId();
  #head: Head | undefined;

  constructor(options: CheckedOptions, sink: CountsSink, range: string | undefined) {
    this.#options = options;
    this.#sink = sink;
    this.range = range;
  }

  get head(): Head {
    return this.#begun();
  }

  read(from: ByteReader): void {
    while (!from.done) {
      const record = from.byte();
      if (record === records.head && this.#head === undefined) this.#head = this.#readHead(from);
      else if (record === records.id) this.#readId(from);
      else if (record === records.key) this.#readKey(from);
      else if (record === records.cells) this.#readCells(from);
      else throw corrupt(`a record of type ${record}`);
    }
  }

  #begun(): Head {
    if (this.#head === undefined) throw corrupt('it does not begin with its head');
    return this.#head;
  }

  #readHead(from: ByteReader): Head {
    for (const expected of windowsOf(this.#options)) {
      if (from.int() !== expected)
        throw new WindowError('STATE_INVALID', 'the snapshot is of windows of another size, slide, offset or kind');
    }
    const watermark = from.int();
    try {
      return { watermark, inherited: Floors.saved(JSON.parse(from.text()) as Plain) };
    } catch (cause) {
      throw corrupt('its floors are not what this operator writes', cause);
    }
  }

  #readId(from: ByteReader): void {
    this.#begun();
    const id = this.#id;
    id.a = from.word();
    id.b = from.word();
    id.c = from.word();
    id.d = from.word();
    this.#sink.id(id, from.int());
  }

  #readKey(from: ByteReader): void {
    this.#begun();
    const row = from.uint();
    const key = from.text();
    if (this.#rows.get(row) !== unknown) throw corrupt('two keys have one row');
    const taken = this.range === undefined || this.#options.inRange(key, this.range);
    this.#rows.set(row, taken ? this.#sink.key(key) : leftOut);
  }

  #readCells(from: ByteReader): void {
    const { summing } = this.#options;
    const end = from.int();
    const magnitude = from.uint();
    for (let left = from.uint(); left > 0; left--) {
      const row = from.uint();
      const count = from.uint();
      const sum = summing ? from.int() : 0;
      const taken = this.#rows.get(row);
      if (taken === unknown) throw corrupt('a cell of no key');
      if (taken === leftOut) continue;
      this.#sink.cell(end, taken, count, sum, this.#magnitudes.has(end) ? 0 : magnitude);
      this.#magnitudes.add(end);
    }
  }
}

const unknown = -1;
/** Of a key out of range. */
const leftOut = -2;
const pageRows = 4_096;

/** The state's row by the snapshot's, in pages: a Map of a million would stop everything when it grows. */
class RowNumbers {
  readonly #pages = new Map<number, Int32Array>();

  get(row: number): number {
    return this.#pages.get(Math.floor(row / pageRows))?.[row % pageRows] ?? unknown;
  }

  set(row: number, to: number): void {
    const number = Math.floor(row / pageRows);
    let page = this.#pages.get(number);
    if (page === undefined) this.#pages.set(number, (page = new Int32Array(pageRows).fill(unknown)));
    page[row % pageRows] = to;
  }
}

const windowsOf = ({ size, slide, offset, summing }: Windows): number[] => [size, slide, offset, summing ? 1 : 0];
