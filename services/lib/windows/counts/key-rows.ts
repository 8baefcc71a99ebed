import { KeyTable } from '../tables/key-table.ts';
import type { PackedKey } from '../tables/packed-key.ts';
import { noCell } from './cells.ts';

/** Columns grow by this factor: little memory waits unused, and each row is copied about four times in all. */
const growth = 1.25;
const firstRows = 64;

/**
 * The keys, each with its row's number in the table, where the row's head is the cell that was added last (noCell when it was dropped)
 * and its count that of the cells; and the totals by row number, apart, since they are read all at once. A key is live while it has
 * cells; then its row goes, or, while rows are held, when they are released.
 */
export class KeyRows {
  readonly #summing: boolean;
  readonly #table: KeyTable;
  #live = 0;
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
    return this.#table.bytes + this.#counts.byteLength + this.#sums.byteLength;
  }

  /** Undefined for a key without a row. */
  find(key: PackedKey): number | undefined {
    return this.#table.find(key) ? this.#table.row : undefined;
  }

  /** A row for a key that has none. It must get a cell at once, or while rows are held. */
  insert(key: PackedKey): number {
    this.#table.insert(key);
    const { row } = this.#table;
    if (row >= this.#counts.length) this.#grow();
    this.#table.head = noCell;
    this.#leaving?.push(row);
    return row;
  }

  newestCell(row: number): number {
    return this.#at(row).head;
  }

  /** The key has one more cell. */
  linkCell(row: number, cell: number): void {
    const table = this.#at(row);
    table.head = cell;
    if (table.count++ === 0) this.#live++;
  }

  moveCell(row: number, cell: number): void {
    this.#at(row).head = cell;
  }

  isLive(row: number): boolean {
    return this.#at(row).count > 0;
  }

  unlinkCell(row: number): void {
    const table = this.#at(row);
    if (--table.count > 0) return;
    this.#live--;
    if (this.#leaving === undefined) table.remove();
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
    return this.#at(row).key;
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
    for (const row of leaving) if (this.#table.seat(row) && this.#table.count === 0) this.#table.remove();
  }

  #at(row: number): KeyTable {
    this.#table.seat(row);
    return this.#table;
  }

  #grow(): void {
    const rows = Math.ceil(this.#counts.length * growth);
    this.#counts = larger(this.#counts, new Int32Array(rows));
    if (this.#summing) this.#sums = larger(this.#sums, new Float64Array(rows));
  }
}

function larger<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
