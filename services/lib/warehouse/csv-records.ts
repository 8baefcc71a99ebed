import { nullField } from './csv.ts';
import type { Dialect } from './ddl.ts';
import { bookingEvent, columnNames } from './model.ts';
import type { Refusal } from './refusal.ts';

/** One row of a staged file, which may span several lines of text: line breaks stand inside quotes. */
interface CsvRecord {
  /** With its line break; `start` and `end` are where it lies in the file. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly nth: number;
  /** Number of its last line of text, counted as PostgreSQL does. */
  readonly postgresLine: number;
  /** No line break inside quotes up to here, so that everybody counts alike. */
  readonly plain: boolean;
}

/**
 * PostgreSQL counts a line break inside quotes when it is what ends the file's lines, which it knows only after the first one: until then
 * it counts carriage returns (CopyReadLineText, copyfromparse.c).
 */
function* recordsOf(csv: string): Generator<CsvRecord> {
  let start = 0;
  let nth = 0;
  let line = 0;
  let plain = true;
  let quoted = false;
  let inside = 0;
  for (let at = 0; at < csv.length; at++) {
    const c = csv.charCodeAt(at);
    if (c === 0x22) quoted = !quoted;
    else if (quoted && (c === 0x0a || c === 0x0d)) {
      plain = false;
      if (c === (nth === 0 ? 0x0d : 0x0a)) inside += 1;
    } else if (c === 0x0a && !quoted) {
      nth += 1;
      line += 1 + inside;
      yield { text: csv.slice(start, at + 1), start, end: at + 1, nth, postgresLine: line, plain };
      start = at + 1;
      inside = 0;
    }
  }
}

/** A refused row: its own number, which its `line` field holds, its text, and the file without it. */
export interface RefusedRow {
  readonly line: number;
  readonly text: string;
  readonly rest: string;
}

/**
 * The row that a refusal means. Undefined when that is not certain: nothing shown that could prove it, something else shown than
 * stands there, or on Redshift, which does not say how it counts, a line break inside quotes before it.
 */
export function refusedRow(csv: string, refusal: Refusal, dialect: Dialect): RefusedRow | undefined {
  for (const record of recordsOf(csv)) {
    const meant = dialect === 'postgres' ? record.postgresLine === refusal.line : record.plain && record.nth === refusal.line;
    if (!meant) continue;
    const fields = fieldsOf(record.text);
    const line = Number(fields[1]);
    if (!Number.isSafeInteger(line) || (dialect === 'postgres' && !isShown(record, fields, refusal))) return undefined;
    return { line, text: record.text, rest: csv.slice(0, record.start) + csv.slice(record.end) };
  }
  return undefined;
}

function isShown(record: CsvRecord, fields: readonly (string | null)[], { column, shown }: Refusal): boolean {
  const at = column === undefined ? -1 : columnNames(bookingEvent).indexOf(column);
  if (column !== undefined && at < 0) return false;
  const there = column === undefined ? record.text.slice(0, -1) : (fields[at] ?? null);
  if (shown === undefined) return column !== undefined && there === null; // `null input`
  return there !== null && (shown.cut ? there.startsWith(shown.text) : there === shown.text);
}

/** Fields of one record as csv.ts writes them; null for the bare null marker. */
export function fieldsOf(record: string): (string | null)[] {
  const fields: (string | null)[] = [];
  const field = /"((?:[^"]+|"")*)"|([^,\n]*)/y;
  for (let at = 0; at < record.length; at = field.lastIndex + 1) {
    field.lastIndex = at;
    const [, quoted, bare] = field.exec(record) ?? [];
    fields.push(quoted === undefined ? (bare === nullField ? null : (bare ?? '')) : quoted.replaceAll('""', '"'));
  }
  return fields;
}
