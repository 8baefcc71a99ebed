import { deadLetter, type Outcome, ok } from '../events/outcome.ts';
import type { Column, Table } from './columns.ts';
import { jsonField, nullField, textField } from './csv.ts';
import { timestampText } from './sql.ts';

/** By column. Times are epoch ms; undefined is null. */
export type RowValues = Readonly<Record<string, unknown>>;
type Field = Outcome<string, never, 'unloadable'>;

const int32 = 2 ** 31;
const int64 = 2 ** 63;
/** Years 1 to 9999. */
const firstTime = -62_135_596_800_000;
const lastTime = 253_402_300_799_999;

/** A staged line of a table: its fields in the order of the columns, with the line break. What a column does not hold would fail its whole COPY. */
export function rowLine(table: Table, values: RowValues): Field {
  const fields: string[] = [];
  for (const column of table.columns) {
    const field = fieldOf(column, values[column.name]);
    if (field.kind !== 'ok') return field;
    fields.push(field.value);
  }
  return ok(`${fields.join(',')}\n`);
}

function fieldOf(column: Column, value: unknown): Field {
  const { name, type } = column;
  if (value === undefined && column.nullable) return ok(nullField);
  if (type.kind === 'json' && value !== undefined) return jsonField(value, name);
  if (type.kind === 'text' && typeof value === 'string' && Buffer.byteLength(value) <= type.bytes) return ok(textField(value));
  if (type.kind === 'integer' && isWithin(value, -int32, int32 - 1)) return ok(String(value));
  // The largest double below 2^63 is far below it.
  if (type.kind === 'bigint' && isWithin(value, -int64, int64) && value !== int64) return ok(BigInt(value).toString());
  if (type.kind === 'timestamp' && isWithin(value, firstTime, lastTime)) return ok(timestampText(value));
  return deadLetter('unloadable', `${name} does not fit its column (${type.kind}): ${String(value).slice(0, 100)}`);
}

const isWithin = (value: unknown, least: number, most: number): value is number =>
  Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
