import type { StagedObject } from './copy.ts';
import type { Database, Row } from './database.ts';
import { integerLiteral, literal } from './sql.ts';

/** What the warehouse says of the line at which COPY failed. */
export interface Refusal {
  /** Of the object that holds it. */
  readonly key: string;
  /** From 1, as the warehouse counts lines: see csv-records.ts. */
  readonly line: number;
  readonly column?: string;
  /** The warehouse's own code: `sqlstate 22003`, `redshift 1204`. */
  readonly reason: string;
  /** The warehouse's own words. */
  readonly detail: string;
  /** The refused field, without a column the whole line, as far as the warehouse shows it: proves that it is the line that is meant. */
  readonly shown?: Shown;
}

export interface Shown {
  readonly text: string;
  /** Only the beginning. */
  readonly cut: boolean;
}

/**
 * CONTEXT of a COPY that failed (PostgreSQL, CopyFromErrorCallback), in English: `COPY load_stage, line 3, column seats: "x"`,
 * without the column when the line as a whole is wrong, without a text when there is nothing to show. Other contexts may stand before it.
 */
const copyContext = /(?:^|\n)COPY \S+, line (\d+)(?:, column ("(?:[^"]|"")+"|[^\s:,]+))?(?:: (?:null input|"([\s\S]*)"))?$/;
const cutMark = '...';

/** Undefined when the error's cause does not name a line. */
export function postgresRefusal(key: string, thrown: unknown): Refusal | undefined {
  const cause = rootCause(thrown);
  if (!(cause instanceof Error) || !('where' in cause) || typeof cause.where !== 'string') return undefined;
  const [, line, column, text] = copyContext.exec(cause.where) ?? [];
  if (line === undefined) return undefined;
  return {
    key,
    line: Number(line),
    ...(column === undefined ? {} : { column: column.replaceAll('"', '') }),
    reason: `sqlstate ${'code' in cause ? String(cause.code) : 'unknown'}`,
    detail: cause.message,
    ...(text === undefined
      ? {}
      : { shown: text.endsWith(cutMark) ? { text: text.slice(0, -cutMark.length), cut: true } : { text, cut: false } }),
  };
}

function rootCause(thrown: unknown): unknown {
  let error = thrown;
  while (error instanceof Error && error.cause !== undefined) error = error.cause;
  return error;
}

/** Redshift's words for a COPY that met a bad line: `Load into table 'x' failed. Check 'sys_load_error_detail' system table for details.` */
export const pointsAtLoadErrors = (message: string): boolean => /sys_load_error_detail|stl_load_errors/i.test(message);

/** Characters of a file's name in sys_load_error_detail. */
const fileNameLength = 256;
/** Of many failed loads the one looked for is among the newest. */
const newestErrors = 500;

/** The view is documented at docs.aws.amazon.com/redshift/latest/dg/SYS_LOAD_ERROR_DETAIL.html; the text has not run on a Redshift. */
export function loadErrorsSql(base: string): string {
  const prefix = `${base}/stage/`.slice(0, fileNameLength);
  return `SELECT TRIM(file_name) AS file_name, line_number, TRIM(column_name) AS column_name, error_code, TRIM(error_message) AS error_message
    FROM sys_load_error_detail WHERE LEFT(file_name, ${integerLiteral(prefix.length)}) = ${literal(prefix)}
    ORDER BY start_time DESC LIMIT ${integerLiteral(newestErrors)}`;
}

/** The newest error on one of these objects, whose names differ within their first 256 characters (stage-file.ts). */
export function redshiftRefusal(rows: readonly Row[], base: string, objects: readonly StagedObject[]): Refusal | undefined {
  const byName = new Map(objects.map(({ key }) => [`${base}/${key}`.slice(0, fileNameLength), key]));
  for (const row of rows) {
    const key = byName.get(String(row['file_name']));
    if (key === undefined) continue;
    const column = textOf(row['column_name']);
    return {
      key,
      line: Number(row['line_number']),
      ...(column === '' ? {} : { column }),
      reason: `redshift ${String(row['error_code'])}`,
      detail: textOf(row['error_message']),
    };
  }
  return undefined;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** System views lag behind what they tell of by seconds. */
const lookMs = 2_000;
const looks = 10;

/** Asks until the view tells, in sessions of their own: that of the failed COPY can do nothing any more. */
export async function findRedshiftRefusal(
  { database, pause }: { readonly database: Database; readonly pause: (ms: number) => Promise<unknown> },
  base: string,
  objects: readonly StagedObject[],
): Promise<Refusal | undefined> {
  for (let look = 1; ; look++) {
    const session = await database.connect();
    try {
      const found = redshiftRefusal((await session.query(loadErrorsSql(base))).rows, base, objects);
      if (found !== undefined || look === looks) return found;
    } finally {
      await session.close();
    }
    await pause(lookMs);
  }
}
