import type { Table } from '../warehouse/columns.ts';
import { type Hour, hourOf } from './layout.ts';
import { ParquetRows } from './parquet-rows.ts';
import type { StagedRow } from './staged-rows.ts';

/** Rows of a group: encoding one takes some 30 ms, for which the event loop stands still. */
const groupRows = 2_000;
/** UTF-16 units of the texts of a group: as long a pause with rows of 64 KiB. */
const groupLength = 1_024 * 1_024;
/** UTF-16 units of the texts in all open groups, when events of many hours mix. */
const heldLength = 16 * 1_024 * 1_024;

export interface HourlyFile extends Hour {
  readonly rows: number;
  readonly body: Buffer;
}

/** The Parquet files of some rows, one for each hour of occurred_at. */
export class HourlyFiles {
  readonly #table: Table;
  readonly #time: number;
  readonly #files = new Map<string, { readonly hour: Hour; readonly rows: ParquetRows }>();
  #held = 0;

  /** `table` has a column occurred_at. */
  constructor(table: Table) {
    this.#table = table;
    this.#time = table.columns.findIndex((column) => column.name === 'occurred_at');
  }

  /** True when a group was encoded with it: time to let others run. */
  add(row: StagedRow): boolean {
    const hour = hourOf(row[this.#time] ?? '');
    const key = `${hour.dt} ${hour.hour}`;
    const file = this.#files.get(key) ?? { hour, rows: new ParquetRows(this.#table) };
    this.#files.set(key, file);
    const before = file.rows.groupLength;
    file.rows.add(row);
    this.#held += file.rows.groupLength - before;
    if (file.rows.groupRows >= groupRows || file.rows.groupLength >= groupLength) return this.#close(file.rows);
    return this.#held >= heldLength && this.#close(this.#fullest(file.rows));
  }

  /** Each file in order of its hour; what was taken is let go of. */
  *take(): Iterable<HourlyFile> {
    for (const key of [...this.#files.keys()].sort()) {
      const file = this.#files.get(key);
      this.#files.delete(key);
      if (file !== undefined) yield { ...file.hour, rows: file.rows.rows, body: file.rows.finish() };
    }
    this.#held = 0;
  }

  #close(rows: ParquetRows): true {
    this.#held -= rows.groupLength;
    rows.closeGroup();
    return true;
  }

  #fullest(first: ParquetRows): ParquetRows {
    let fullest = first;
    for (const { rows } of this.#files.values()) if (rows.groupLength > fullest.groupLength) fullest = rows;
    return fullest;
  }
}
