import { Chains, maxRow, noRow } from './chains.ts';
import type { PackedKey } from './packed-key.ts';
import { defaultPartitionBits } from './partitions.ts';

/**
 * A row of 64 bytes: hash, length of the key and the walk that the row was last settled in, newest node of its ring, nodes in the
 * ring, lastAt (two words), then the key, or its place in the list of keys that do not fit.
 */
const wordBits = 4;
const rowWords = 1 << wordBits;
const hashAt = 0;
const lengthAt = 1;
const headAt = 2;
const countAt = 3;
const lastAtDouble = 2;
const keyAt = 6;
/** In place of a key's length + 1: the row is free, … */
const free = 0;
/** … or its key does not fit it. */
const elsewhere = 0xff;
const lengthMask = 0xff;
/** Walks are told apart by 24 bits: each settles every row, so that none is as it was 2^24 walks ago. */
const walkShift = 8;
const walkMask = 0xff_ff_ff;

/** Of a place in the list. */
const placeBytes = 8;

/** Rows lie in chunks of 128 KiB, so that growing never copies. */
const chunkBits = 11;
const chunkRows = 1 << chunkBits;
const rowMask = chunkRows - 1;

/**
 * Keys, each with the state one rule has of it. There is no object per key: a row is reached through the table's cursor, which `find`,
 * `insert`, `seat` and the walks set. A row keeps its number, a small whole number, until it is removed.
 */
export class KeyTable {
  readonly #chains: Chains;
  readonly #words: Int32Array[] = [];
  readonly #doubles: Float64Array[] = [];
  /** The free row to be used first; each knows the next, where others have their head. */
  #free: number = noRow;
  /** The first number that no row has had yet. */
  #end = noRow + 1;
  #size = 0;
  /** Keys that do not fit their row; freed places are in `#vacant`. */
  readonly #long: string[] = [];
  readonly #vacant: number[] = [];
  /** The cursor: a row's number, its chunk, and where it begins there. */
  #row: number = noRow;
  #chunk: Int32Array = new Int32Array(rowWords);
  #at = 0;
  #hand = noRow;
  #walk = 0;
  /** Rows from here on are not the walk's. */
  #walkEnd = 0;
  readonly #hashOf = (row: number): number =>
    (this.#words[row >>> chunkBits] as Int32Array)[((row & rowMask) << wordBits) + hashAt] as number;

  constructor(partitionBits = defaultPartitionBits) {
    this.#chains = new Chains(partitionBits);
  }

  get size(): number {
    return this.#size;
  }

  /** Without the texts of keys that do not fit their row. */
  get bytes(): number {
    return this.#words.length * chunkRows * rowWords * 4 + this.#chains.bytes + placeBytes * this.#long.length;
  }

  /** The next row would take new memory. */
  get full(): boolean {
    return this.#free === noRow && (this.#end & rowMask) === 0;
  }

  /** Sets the cursor to the key's row, if it has one. */
  find(key: PackedKey): boolean {
    const { hash } = key;
    for (let row = this.#chains.first(hash); row !== noRow; row = this.#chains.next(row, hash)) {
      this.seat(row);
      if (this.#isKey(key)) return true;
    }
    return false;
  }

  /** Adds a key that is not there, and sets the cursor to its row: no nodes, lastAt -Infinity. */
  insert(key: PackedKey): void {
    const row = this.#take();
    this.#chains.add(row, key.hash, this.#hashOf);
    this.seat(row);
    const words = this.#chunk;
    const at = this.#at;
    words[at + hashAt] = key.hash;
    words[at + headAt] = 0;
    words[at + countAt] = 0;
    this.lastAt = Number.NEGATIVE_INFINITY;
    let length = elsewhere;
    if (key.wordCount >= 0) {
      length = key.text.length + 1;
      for (let i = 0; i < key.wordCount; i++) words[at + keyAt + i] = key.words[i] as number;
    } else {
      const place = this.#vacant.pop() ?? this.#long.length;
      this.#long[place] = key.text;
      words[at + keyAt] = place;
    }
    words[at + lengthAt] = length | (this.#walk << walkShift);
    this.#size++;
  }

  /** Takes the cursor's row out; its number may become another's. */
  remove(): void {
    const words = this.#chunk;
    const at = this.#at;
    this.#chains.remove(this.#row, words[at + hashAt] as number);
    if (((words[at + lengthAt] as number) & lengthMask) === elsewhere) {
      const place = words[at + keyAt] as number;
      this.#long[place] = '';
      this.#vacant.push(place);
    }
    words[at + lengthAt] = free;
    words[at + headAt] = this.#free;
    this.#free = this.#row;
    this.#size--;
  }

  /** Sets the cursor to a row that was taken once; false when it is free now. */
  seat(row: number): boolean {
    this.#row = row;
    this.#chunk = this.#words[row >>> chunkBits] as Int32Array;
    this.#at = (row & rowMask) << wordBits;
    return ((this.#chunk[this.#at + lengthAt] as number) & lengthMask) !== free;
  }

  /** The cursor's row. */
  get row(): number {
    return this.#row;
  }

  /** Rows have numbers below this. */
  get end(): number {
    return this.#end;
  }

  /** The row's newest node. */
  get head(): number {
    return this.#chunk[this.#at + headAt] as number;
  }

  set head(node: number) {
    this.#chunk[this.#at + headAt] = node;
  }

  /** Nodes in the row's ring. */
  get count(): number {
    return this.#chunk[this.#at + countAt] as number;
  }

  set count(count: number) {
    this.#chunk[this.#at + countAt] = count;
  }

  /** `at` of the key's last alert, -Infinity before the first. */
  get lastAt(): number {
    return (this.#doubles[this.#row >>> chunkBits] as Float64Array)[(this.#at >> 1) + lastAtDouble] as number;
  }

  set lastAt(at: number) {
    (this.#doubles[this.#row >>> chunkBits] as Float64Array)[(this.#at >> 1) + lastAtDouble] = at;
  }

  get key(): string {
    const words = this.#chunk;
    const at = this.#at;
    const length = (words[at + lengthAt] as number) & lengthMask;
    if (length === elsewhere) return this.#long[words[at + keyAt] as number] as string;
    return Buffer.from(words.buffer, (at + keyAt) * 4, length - 1).toString('latin1');
  }

  /** Looks at the next `rows` numbers, going on where the last call stopped, and round again; visits those that are rows. */
  advanceHand(rows: number, visit: () => void): void {
    for (let left = Math.min(rows, this.#end - 1); left > 0; left--) {
      this.#hand = this.#hand + 1 < this.#end ? this.#hand + 1 : noRow + 1;
      if (this.seat(this.#hand)) visit();
    }
  }

  /**
   * From here on `walk` visits the rows that the table holds now. Before the owner changes one of them it must ask `unsettled`: if so,
   * the walk has not visited it yet, and the row counts as visited from then on. A walk that was under way ends.
   */
  beginWalk(): void {
    this.#walk = (this.#walk + 1) & walkMask;
    this.#walkEnd = this.#end;
  }

  /** Of the cursor's row. */
  unsettled(): boolean {
    if (this.#row >= this.#walkEnd) return false;
    const word = this.#chunk[this.#at + lengthAt] as number;
    if (word >>> walkShift === this.#walk) return false;
    this.#chunk[this.#at + lengthAt] = (word & lengthMask) | (this.#walk << walkShift);
    return true;
  }

  /** Each row once, unless it was removed or settled meanwhile; a yield after each. */
  *walk(visit: () => void): Generator<void> {
    const walk = this.#walk;
    for (let row = noRow + 1; row < this.#walkEnd; row++) {
      if (!this.seat(row) || !this.unsettled()) continue;
      visit();
      yield;
      if (walk !== this.#walk) return;
    }
  }

  endWalk(): void {
    this.#walkEnd = 0;
  }

  #isKey({ hash, wordCount, words: wanted, text }: PackedKey): boolean {
    const words = this.#chunk;
    const at = this.#at;
    if (words[at + hashAt] !== hash) return false;
    const length = (words[at + lengthAt] as number) & lengthMask;
    if (wordCount < 0) return length === elsewhere && this.#long[words[at + keyAt] as number] === text;
    if (length !== text.length + 1) return false;
    for (let i = 0; i < wordCount; i++) if (words[at + keyAt + i] !== wanted[i]) return false;
    return true;
  }

  #take(): number {
    if (this.#free !== noRow) {
      const row = this.#free;
      this.seat(row);
      this.#free = this.head;
      return row;
    }
    if (this.#end > maxRow) throw new RangeError(`more than ${maxRow} keys`);
    if (this.#end >>> chunkBits === this.#words.length) {
      const words = new Int32Array(chunkRows * rowWords);
      this.#words.push(words);
      this.#doubles.push(new Float64Array(words.buffer));
    }
    return this.#end++;
  }
}
