import { KeyTable } from '../tables/key-table.ts';
import type { PackedKey } from '../tables/packed-key.ts';
import { noCell } from './cells.ts';

/** Columns grow by this factor: little memory waits unused, and each row is copied about four times in all. */
const growth = 1.25;
const firstRows = 64;
/** In place of the number of its cells: the row was removed. */
const removed = -1;

/**
 * The keys, each with its row's number in the table, and the columns by that number. A key is live while it has cells; then its row
 * goes, or, while rows are held, when they are released.
 */
export class KeyRows {
  readonly #summing: boolean;
  readonly #table: KeyTable;
  #live = 0;
  /** The cell of the key that was added last, or noCell when it was dropped. */
  #newest = new Int32Array(firstRows);
  /** Cells of the key. */
  #cells = new Int32Array(firstRows);
  /** Records of the key in the slices that have entered. */
  #counts = new Int32Array(firstRows);
  #sums: Float64Array;
  /** Rows that have had no cells since rows are held; undefined when they are not. */
  #leaving: number[] | undefined;

  constructor(partitionBits: number, summing: boolean) {
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
    return this.#table.find(key) ? this.#table.row : undefined;
  }

  /** A row for a key that has none. It must get a cell at once, or while rows are held. */
  insert(key: PackedKey): number {
    this.#table.insert(key);
    const { row } = this.#table;
    if (row >= this.#cells.length) this.#grow();
    this.#newest[row] = noCell;
    this.#cells[row] = 0;
    this.#leaving?.push(row);
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
    if (left > 0) return;
    this.#live--;
    if (this.#leaving === undefined) this.#remove(row);
    else this.#leaving.push(row);
  }

  sum(row: number): number {
    return this.#summing ? (this.#sums[row] as number) : 0;
  }

  /** Adds to the key's total; a leaving slice adds the negative of what it has. */
  addTotal(row: number, count: number, sum: number): void {
    this.#counts[row] = (this.#counts[row] as number) + count;
    if (this.#summing) this.#sums[row] = (this.#sums[row] as number) + sum;
  }

  /** Visits the rows with a total. */
  forEachTotal(visit: (row: number, count: number) => void): void {
    const counts = this.#counts;
    for (let row = 0, { end } = this.#table; row < end; row++) {
      const count = counts[row] as number;
      if (count !== 0) visit(row, count);
    }
  }

  keyOf(row: number): string {
    this.#table.seat(row);
    return this.#table.key;
  }

  /** From here on no row goes, and `walk` visits those there are now. */
  hold(): void {
    this.#leaving ??= [];
    this.#table.beginWalk();
  }

  walk(visit: (row: number) => void): Generator<void> {
    const table = this.#table;
    return table.walk(() => visit(table.row));
  }

  release(): void {
    this.#table.endWalk();
    const leaving = this.#leaving ?? [];
    this.#leaving = undefined;
    for (const row of leaving) if (this.#cells[row] === 0) this.#remove(row);
  }

  #remove(row: number): void {
    this.#table.seat(row);
    this.#table.remove();
    this.#cells[row] = removed;
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
