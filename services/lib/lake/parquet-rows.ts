import { gzipSync } from 'node:zlib';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { PlatformError } from '../process/errors.ts';
import type { Table } from '../warehouse/columns.ts';
import { formOf, type ParquetValue, parquetSchema } from './parquet-schema.ts';
import type { StagedRow } from './staged-rows.ts';

/** Measured on booking events: a page of gzip level 1 takes the time of a page of snappy (which is JavaScript here) and 0.57 of its bytes. */
const gzipLevel = 1;

/** One Parquet file of a table's rows in the making: it holds the rows of the group that is open and the bytes of those before. */
export class ParquetRows {
  readonly #columns: readonly { readonly name: string; readonly nullable: boolean; readonly fromCsv: (text: string) => ParquetValue }[];
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  #group: ParquetValue[][];
  #groupLength = 0;
  #groupRows = 0;
  #rows = 0;

  constructor(table: Table) {
    this.#columns = table.columns.map((column) => ({
      name: column.name,
      nullable: column.nullable === true,
      fromCsv: formOf(column).fromCsv,
    }));
    this.#group = this.#columns.map(() => []);
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: parquetSchema(table),
      codec: 'GZIP',
      compressors: { GZIP: (page) => gzipSync(page, { level: gzipLevel }) },
      createdBy: 'travelbuddy-analytics',
    });
  }

  /** Rows added so far. */
  get rows(): number {
    return this.#rows;
  }

  get groupRows(): number {
    return this.#groupRows;
  }

  /** UTF-16 units of the texts that the open group holds. */
  get groupLength(): number {
    return this.#groupLength;
  }

  /** Throws WAREHOUSE_MISMATCH for a row that is none of the table's. */
  add(row: StagedRow): void {
    if (row.length !== this.#columns.length) {
      throw new PlatformError('WAREHOUSE_MISMATCH', `a row has ${row.length} fields, ${this.#columns.length} are columns`);
    }
    for (const [at, { name, nullable, fromCsv }] of this.#columns.entries()) {
      const text = row[at] ?? null;
      if (text === null && !nullable) throw new PlatformError('WAREHOUSE_MISMATCH', `${name} is null`);
      this.#group[at]?.push(text === null ? null : fromCsv(text));
      this.#groupLength += text?.length ?? 0;
    }
    this.#groupRows += 1;
    this.#rows += 1;
  }

  /** Encodes the open group: the event loop stands still for it. */
  closeGroup(): void {
    if (this.#groupRows === 0) return;
    const columnData = this.#columns.map(({ name }, at) => ({ name, data: this.#group[at] ?? [] }));
    void this.#writer.write({ columnData, rowGroupSize: this.#groupRows });
    this.#group = this.#columns.map(() => []);
    this.#groupRows = 0;
    this.#groupLength = 0;
  }

  /** The whole file; nothing can be added any more. */
  finish(): Buffer {
    this.closeGroup();
    void this.#writer.finish();
    const bytes = this.#bytes.getBytes();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
