import { PlatformError } from '../../lib/process/errors.ts';
import type { Row, Session } from '../../lib/warehouse/database.ts';
import { literal, timestampText } from '../../lib/warehouse/sql.ts';

/** A batch of the ledger. `loadedAt`: epoch ms, by the clock of whoever committed it. */
export interface CommittedBatch {
  readonly batchId: string;
  readonly loadedAt: number;
}

/** A file of a committed batch as the ledger has it. A file without rows may have no object. */
export interface CommittedFile {
  readonly fileId: string;
  readonly object?: string;
  readonly copied: number;
  readonly inserted: number;
}

/** Batches of a stream that were loaded since, oldest first. */
export async function committedBatches(
  session: Session,
  application: string,
  streamId: string,
  sinceMs: number,
): Promise<readonly CommittedBatch[]> {
  // As text: what a driver makes of a time without a zone depends on the machine's.
  const { rows } = await session.query(
    `SELECT batch_id, TO_CHAR(MIN(loaded_at), 'YYYY-MM-DD HH24:MI:SS.MS') AS loaded FROM load_ledger
     WHERE application = ${literal(application)} AND stream = ${literal(streamId)} AND loaded_at >= ${literal(timestampText(Math.max(0, sinceMs)))}
     GROUP BY batch_id`,
  );
  const batches = rows.map((row) => ({
    batchId: textOf(row, 'batch_id'),
    loadedAt: Date.parse(`${textOf(row, 'loaded').replace(' ', 'T')}Z`),
  }));
  return batches.sort((a, b) => a.loadedAt - b.loadedAt || compare(a.batchId, b.batchId));
}

/** A batch's files by shard and position: the same order for whoever asks, whatever the database's collation. */
export async function committedFiles(session: Session, batchId: string): Promise<readonly CommittedFile[]> {
  const { rows } = await session.query(
    `SELECT file_id, object, rows_copied, rows_inserted, shard, from_position FROM load_ledger WHERE batch_id = ${literal(batchId)}`,
  );
  const ordered = [...rows].sort(
    (a, b) => compare(textOf(a, 'shard'), textOf(b, 'shard')) || compare(textOf(a, 'from_position'), textOf(b, 'from_position')),
  );
  return ordered.map((row) => ({
    fileId: textOf(row, 'file_id'),
    ...(row['object'] === null ? {} : { object: textOf(row, 'object') }),
    copied: Number(row['rows_copied']),
    inserted: Number(row['rows_inserted']),
  }));
}

/**
 * Lines of a file that were inserted. `occurred`: the first and last occurred_at in the file, by which the table is sorted: without it
 * the whole table would be read.
 */
export async function insertedLines(session: Session, fileId: string, occurred: readonly [string, string]): Promise<ReadonlySet<string>> {
  const { rows } = await session.query(
    `SELECT line FROM booking_event WHERE file_id = ${literal(fileId)}
     AND occurred_at >= ${literal(occurred[0])} AND occurred_at <= ${literal(occurred[1])}`,
  );
  return new Set(rows.map((row) => String(row['line'])));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function textOf(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new PlatformError('PROTOCOL', `a row of the warehouse has no text ${name}: ${JSON.stringify(row)}`);
  return value;
}
