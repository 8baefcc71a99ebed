import { KeyTable } from '../tables/key-table.ts';
import { PackedKey } from '../tables/packed-key.ts';
import { noCell } from './cells.ts';

/** Columns grow by this factor: little memory waits unused, and each row is copied about four times in all. */
const growth = 1.25;
const firstRows = 64;
/** A table this small is walked as it is, however few of its keys are live. */
const smallestTidy = 4_096;
/** From so many rows per live key on, the table is made anew. */
const tidyAt = 4;

/**
 * The keys, each with a row number that stays while the key is live, and the columns by that number. A key is live while it has
 * cells; the row of another may go at any time, unless rows are held.
 */
export class KeyRows {
  readonly #bits: number;
  readonly #summing: boolean;
  #table: KeyTable;
  readonly #vacant: number[] = [];
  #rows = 0;
  #live = 0;
  /** The cell of the key that was added last, or noCell when it was dropped. */
  #newest = new Int32Array(firstRows);
  /** Cells of the key. */
  #cells = new Int32Array(firstRows);
  /** Records of the key in the slices that have entered. */
  #counts = new Int32Array(firstRows);
  #sums: Float64Array;
  #held = false;
  readonly #keep = (): boolean => {
    if (this.#held || (this.#cells[this.#table.head] as number) > 0) return true;
    this.#vacant.push(this.#table.head);
    return false;
  };

  constructor(partitionBits: number, summing: boolean) {
    this.#bits = partitionBits;
    this.#summing = summing;
    this.#table = new KeyTable(partitionBits);
    this.#sums = new Float64Array(summing ? firstRows : 0);
  }

  /** Live keys. */
  get live(): number {
    return this.#live;
  }

  get bytes(): number {
    const columns = [this.#newest, this.#cells, this.#counts, this.#sums];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, this.#table.bytes);
  }

  /** Undefined for a key without a row. */
  find(key: PackedKey): number | undefined {
    return this.#table.find(key) ? this.#table.head : undefined;
  }

  /** A row for the key that `find` did not find just now. */
  insert(key: PackedKey): number {
    this.#table.insert(key, this.#keep);
    const row = this.#vacant.pop() ?? this.#rows++;
    if (row >= this.#cells.length) this.#grow();
    this.#table.head = row;
    this.#newest[row] = noCell;
    return row;
  }

  newestCell(row: number): number {
    return this.#newest[row] as number;
  }

  /** The key has one more cell. */
  linkCell(row: number, cell: number): void {
    this.#newest[row] = cell;
    if (this.#cells[row] === 0) this.#live++;
    this.#cells[row] = (this.#cells[row] as number) + 1;
  }

  moveCell(row: number, cell: number): void {
    this.#newest[row] = cell;
  }

  isLive(row: number): boolean {
    return (this.#cells[row] as number) > 0;
  }

  unlinkCell(row: number): void {
    const left = (this.#cells[row] as number) - 1;
    this.#cells[row] = left;
    if (left === 0) this.#live--;
  }

  count(row: number): number {
    return this.#counts[row] as number;
  }

  sum(row: number): number {
    return this.#summing ? (this.#sums[row] as number) : 0;
  }

  /** Adds to the key's total; a leaving slice adds the negative of what it has. */
  addTotal(row: number, count: number, sum: number): void {
    this.#counts[row] = (this.#counts[row] as number) + count;
    if (this.#summing) this.#sums[row] = (this.#sums[row] as number) + sum;
  }

  /** Visits every row, with the cursor on it. */
  forEach(visit: (row: number) => void): void {
    const table = this.#table;
    table.forEach(() => visit(table.head));
  }

  /** Of the row that a visit is at. */
  get key(): string {
    return this.#table.key;
  }

  /** From here on no row goes, and `walk` visits those there are now. */
  hold(): void {
    this.#held = true;
    this.#table.beginWalk();
  }

  walk(visit: (row: number) => void): Generator<void> {
    const table = this.#table;
    return table.walk(() => visit(table.head));
  }

  release(): void {
    this.#held = false;
    this.#table.endWalk();
  }

  /** Makes the table anew when most of its rows are of no use, so that walks over it cost what its live keys cost. */
  tidy(): void {
    const { size } = this.#table;
    if (this.#held || size < smallestTidy || size < tidyAt * this.#live) return;
    const old = this.#table;
    const table = new KeyTable(this.#bits);
    const key = new PackedKey();
    old.forEach(() => {
      const row = old.head;
      if ((this.#cells[row] as number) === 0) {
        this.#vacant.push(row);
        return;
      }
      table.find(key.pack(old.key));
      table.insert(key, () => true);
      table.head = row;
    });
    this.#table = table;
  }

  #grow(): void {
    const rows = Math.ceil(this.#cells.length * growth);
    this.#newest = larger(this.#newest, new Int32Array(rows));
    this.#cells = larger(this.#cells, new Int32Array(rows));
    this.#counts = larger(this.#counts, new Int32Array(rows));
    if (this.#summing) this.#sums = larger(this.#sums, new Float64Array(rows));
  }
}

function larger<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
