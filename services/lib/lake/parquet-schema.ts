import type { SchemaElement } from 'hyparquet-writer';
import { PlatformError } from '../process/errors.ts';
import type { Column, Table } from '../warehouse/columns.ts';

/** What a Parquet column takes: texts as UTF-8, INT32 as number, INT64 (timestamps too) as bigint. */
export type ParquetValue = string | number | bigint | null;

/** How a kind of column is written, read from staged CSV, and called in Athena. */
interface ColumnForm {
  readonly element: Pick<SchemaElement, 'type' | 'converted_type' | 'logical_type'>;
  readonly fromCsv: (text: string) => string | number | bigint;
  /** Athena user guide, data types. */
  readonly athenaType: string;
}

const utf8: ColumnForm['element'] = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };

/** Kinds that booking_event has; a staged value never is of another. */
const forms: Partial<Record<Column['type']['kind'], ColumnForm>> = {
  text: { element: utf8, fromCsv: (text) => text, athenaType: 'string' },
  // As its JSON text: Athena's SQL takes it apart by json_extract, DuckDB's by the same name.
  json: { element: utf8, fromCsv: (text) => text, athenaType: 'string' },
  integer: { element: { type: 'INT32' }, fromCsv: integerOf, athenaType: 'int' },
  bigint: { element: { type: 'INT64' }, fromCsv: bigintOf, athenaType: 'bigint' },
  timestamp: {
    element: {
      type: 'INT64',
      converted_type: 'TIMESTAMP_MILLIS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
    },
    fromCsv: epochMsOf,
    athenaType: 'timestamp',
  },
};

/** Throws INTERNAL for a kind of column that no Parquet form was decided for. */
export function formOf(column: Column): ColumnForm {
  const form = forms[column.type.kind];
  if (form === undefined) throw new PlatformError('INTERNAL', `no Parquet form for ${column.name} (${column.type.kind})`);
  return form;
}

/** A table's columns in order, under a root element; not null ones REQUIRED. */
export function parquetSchema(table: Table): SchemaElement[] {
  const columns = table.columns.map(
    (column): SchemaElement => ({
      name: column.name,
      repetition_type: column.nullable ? 'OPTIONAL' : 'REQUIRED',
      ...formOf(column).element,
    }),
  );
  return [{ name: table.name, num_children: columns.length }, ...columns];
}

const mismatch = (what: string, text: string): PlatformError =>
  new PlatformError('WAREHOUSE_MISMATCH', `not ${what}: ${JSON.stringify(text.slice(0, 80))}`);

function integerOf(text: string): number {
  const value = bigintOf(text);
  if (BigInt.asIntN(32, value) !== value) throw mismatch('an integer of 32 bits', text);
  return Number(value);
}

function bigintOf(text: string): bigint {
  const value = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) throw mismatch('an integer of 64 bits', text);
  return value;
}

/** `YYYY-MM-DD HH:MM:SS.mmm`, UTC. */
function epochMsOf(text: string): bigint {
  const ms = text.length === 23 ? Date.parse(`${text.slice(0, 10)}T${text.slice(11)}Z`) : Number.NaN;
  if (Number.isNaN(ms)) throw mismatch('a timestamp', text);
  return BigInt(ms);
}
