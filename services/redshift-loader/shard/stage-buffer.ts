import type { Position } from '../../lib/kcl/position.ts';

/** An event on its way into a file: its CSV fields and what the registry notes of it. */
export interface StagedRow {
  readonly position: Position;
  readonly fields: string;
  /** Epoch ms. */
  readonly occurredAt: number;
  readonly arrivedAt: number;
}

/** Line number and file id that each line gets when it is written. */
const lineOverhead = 45;

/**
 * What was read beyond the head and is not registered yet: rows, and how far reading got, since a record that became no row
 * (a dead letter, a drop) moves the shard as well.
 */
export class StageBuffer {
  #rows: StagedRow[] = [];
  #bytes = 0;
  #reached: Position | undefined;
  #since = 0;

  get rows(): readonly StagedRow[] {
    return this.#rows;
  }

  /** Of uncompressed CSV, in UTF-16 units. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Position of the last record taken; undefined when empty. */
  get reached(): Position | undefined {
    return this.#reached;
  }

  /** How long the oldest record has been waiting; 0 when empty. */
  ageMs(now: number): number {
    return this.#reached === undefined ? 0 : now - this.#since;
  }

  add(row: StagedRow, now: number): void {
    this.pass(row.position, now);
    this.#rows.push(row);
    this.#bytes += row.fields.length + lineOverhead;
  }

  /** A record that became no row. */
  pass(position: Position, now: number): void {
    if (this.#reached === undefined) this.#since = now;
    this.#reached = position;
  }

  /** Forgets everything at or before the head. */
  dropUpTo(head: Position): void {
    if (this.#reached === undefined || this.#reached <= head) {
      this.#rows = [];
      this.#reached = undefined;
    } else {
      this.#rows = this.#rows.filter((row) => row.position > head);
    }
    this.#bytes = this.#rows.reduce((sum, row) => sum + row.fields.length + lineOverhead, 0);
  }
}
