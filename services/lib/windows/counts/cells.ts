/** A cell is known by its number until its slice is dropped; then another may have it. */
export const noCell = -1;

const chunkBits = 10;
const chunkCells = 1 << chunkBits;
const cellMask = chunkCells - 1;
const noOwner = 0;
/** Below this many cells a slice is not looked through for cells of one key. */
const smallestMerge = 4_096;

/** The cells of one slice: whole chunks of the store, the last of them partly filled. */
export interface Slice {
  /** [end − slide, end) */
  readonly end: number;
  /** Differs for any two slices there ever were. */
  readonly serial: number;
  readonly chunks: number[];
  cells: number;
  events: number;
  /** Sum of the absolute values. */
  magnitude: number;
  /** Cells at which those of one key are put together. */
  mergeAt: number;
}

export type VisitCell = (row: number, count: number, sum: number) => void;

/** The cells of a slice as they were when they were frozen. */
export interface FrozenSlice {
  readonly end: number;
  readonly cells: number;
  /** Visits cells from `first` up to `last`, which is not among them. */
  visit(first: number, last: number, visit: VisitCell): void;
}

/**
 * Cells {row of the key, count} and, if asked for, {sum}, in chunks of 1,024 that belong to one slice each: 8 or 16 bytes a cell. They
 * can be frozen for a snapshot in no time: a frozen chunk is copied before it changes, and not used again once it is dropped.
 */
export class CellStore {
  readonly #summing: boolean;
  readonly #words: (Int32Array | undefined)[] = [];
  readonly #sums: (Float64Array | undefined)[] = [];
  readonly #owners: number[] = [];
  readonly #frozen: boolean[] = [];
  #freezing = false;
  /** Chunks without an owner that have memory, … */
  readonly #spare: number[] = [];
  /** … and that have none. */
  readonly #vacant: number[] = [];
  #owned = 0;
  #serial: number = noOwner;
  #cells = 0;

  constructor(summing: boolean) {
    this.#summing = summing;
  }

  /** Cells in slices. */
  get size(): number {
    return this.#cells;
  }

  get bytes(): number {
    return (this.#owned + this.#spare.length) * chunkCells * (this.#summing ? 16 : 8);
  }

  slice(end: number): Slice {
    return { end, serial: ++this.#serial, chunks: [], cells: 0, events: 0, magnitude: 0, mergeAt: smallestMerge };
  }

  /** Whether a cell that was not dropped is one of the slice's. */
  isIn(slice: Slice, cell: number): boolean {
    return cell !== noCell && this.#owners[cell >> chunkBits] === slice.serial;
  }

  /** Adds a cell to the slice and returns its number. */
  append(slice: Slice, row: number, count: number, sum: number): number {
    const i = slice.cells & cellMask;
    if (i === 0) slice.chunks.push(this.#take(slice.serial));
    const chunk = slice.chunks[slice.chunks.length - 1] as number;
    this.#thaw(chunk);
    const words = this.#words[chunk] as Int32Array;
    words[2 * i] = row;
    words[2 * i + 1] = count;
    if (this.#summing) (this.#sums[chunk] as Float64Array)[i] = sum;
    slice.cells++;
    this.#cells++;
    return (chunk << chunkBits) | i;
  }

  /** Adds to a cell that is in a slice. */
  add(cell: number, count: number, sum: number): void {
    const chunk = cell >> chunkBits;
    const i = cell & cellMask;
    this.#thaw(chunk);
    const words = this.#words[chunk] as Int32Array;
    words[2 * i + 1] = (words[2 * i + 1] as number) + count;
    if (!this.#summing) return;
    const sums = this.#sums[chunk] as Float64Array;
    sums[i] = (sums[i] as number) + sum;
  }

  visit(slice: Slice, visit: VisitCell): void {
    visitCells(slice.chunks, this.#words, this.#sums, 0, slice.cells, visit);
  }

  drop(slice: Slice): void {
    this.#cells -= slice.cells;
    for (const chunk of slice.chunks) {
      this.#owners[chunk] = noOwner;
      this.#owned--;
      // Memory of about as many chunks as are in use waits for the next slice; a snapshot keeps that of frozen ones.
      if (this.#frozen[chunk] === true || this.#spare.length > this.#owned) {
        this.#words[chunk] = undefined;
        this.#sums[chunk] = undefined;
        this.#frozen[chunk] = false;
        this.#vacant.push(chunk);
      } else {
        this.#spare.push(chunk);
      }
    }
  }

  /** The slices as they are now, whatever happens to them until `thaw` and after. */
  freeze(slices: readonly Slice[]): FrozenSlice[] {
    this.#freezing = true;
    return slices.map(({ end, cells, chunks: owned }) => {
      for (const chunk of owned) this.#frozen[chunk] = true;
      const words = owned.map((chunk) => this.#words[chunk]);
      const sums = owned.map((chunk) => this.#sums[chunk]);
      const chunks = owned.map((_, i) => i);
      return { end, cells, visit: (first, last, visit) => visitCells(chunks, words, sums, first, last, visit) };
    });
  }

  thaw(): void {
    this.#freezing = false;
    this.#frozen.fill(false);
  }

  #thaw(chunk: number): void {
    if (!this.#freezing || this.#frozen[chunk] !== true) return;
    this.#frozen[chunk] = false;
    this.#words[chunk] = this.#words[chunk]?.slice();
    this.#sums[chunk] = this.#sums[chunk]?.slice();
  }

  #take(serial: number): number {
    const chunk = this.#spare.pop() ?? this.#vacant.pop() ?? this.#words.length;
    this.#words[chunk] ??= new Int32Array(2 * chunkCells);
    if (this.#summing) this.#sums[chunk] ??= new Float64Array(chunkCells);
    this.#owners[chunk] = serial;
    this.#owned++;
    return chunk;
  }
}

function visitCells(
  chunks: readonly number[],
  allWords: readonly (Int32Array | undefined)[],
  allSums: readonly (Float64Array | undefined)[],
  first: number,
  last: number,
  visit: VisitCell,
): void {
  for (let at = first; at < last; ) {
    const chunk = chunks[at >> chunkBits] as number;
    const words = allWords[chunk] as Int32Array;
    const sums = allSums[chunk];
    const end = Math.min(last, (at | cellMask) + 1);
    for (; at < end; at++) {
      const i = at & cellMask;
      visit(words[2 * i] as number, words[2 * i + 1] as number, sums === undefined ? 0 : (sums[i] as number));
    }
  }
}
