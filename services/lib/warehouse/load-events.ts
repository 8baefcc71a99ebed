import { type StageCopier, StagedObjectError } from './copy.ts';
import { replaceCurrentRows } from './current-rows.ts';
import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { addToKpis } from './kpi.ts';
import type { LoadFile } from './load.ts';
import { bookingEvent, columnNames } from './model.ts';
import { literal, timestampText } from './sql.ts';
import { refreshStatistics } from './statistics.ts';

/** Copies of one event (retries, replays) lie at most this far apart in event time; only there the anti-join looks. */
const duplicateReachMs = 8 * 24 * 3_600_000;

const eventColumns = columnNames(bookingEvent).join(', ');
const scratch = ['load_stage', 'load_fresh', 'load_latest', 'load_kpi'] as const;

/** Rows inserted per file. */
export async function loadEvents(session: Session, copier: StageCopier, files: readonly LoadFile[]): Promise<Map<string, number>> {
  for (const table of scratch) await session.query(`DROP TABLE IF EXISTS ${table}`);
  await session.query(createTempTable('load_stage', bookingEvent, session.dialect));
  await copier.copy(
    session,
    'load_stage',
    columnNames(bookingEvent),
    files.flatMap((file) => file.object ?? []),
  );
  await checkCounts(session, files);
  await refreshStatistics(session, ['load_stage (event_id, occurred_at)', 'booking_event (event_id, occurred_at)']);

  await session.query(createTempTable('load_fresh', bookingEvent, session.dialect));
  await session.query(insertFresh(files));
  const inserted = await countPerFile(session, 'load_fresh');
  await session.query(`INSERT INTO booking_event (${eventColumns}) SELECT ${eventColumns} FROM load_fresh`);

  await replaceCurrentRows(session);
  await addToKpis(session);
  for (const table of scratch) await session.query(`DROP TABLE ${table}`);
  return inserted;
}

async function countPerFile(session: Session, table: string): Promise<Map<string, number>> {
  const { rows } = await session.query(`SELECT file_id, COUNT(*) AS n FROM ${table} GROUP BY file_id`);
  return new Map(rows.map((row) => [String(row['file_id']), Number(row['n'])]));
}

async function checkCounts(session: Session, files: readonly LoadFile[]): Promise<void> {
  const counts = await countPerFile(session, 'load_stage');
  for (const { fileId, rows, object } of files) {
    const copied = counts.get(fileId) ?? 0;
    if (copied !== rows) throw new StagedObjectError(object?.key ?? fileId, `${copied} rows copied, ${rows} registered`);
    counts.delete(fileId);
  }
  for (const [fileId, copied] of counts) throw new StagedObjectError(fileId, `${copied} rows of a file that is not in the batch`);
}

/** Each event once: inside the batch by ROW_NUMBER, against the warehouse by an anti-join over the batch's time range. */
function insertFresh(files: readonly LoadFile[]): string {
  const times = files.flatMap((file) => file.occurred ?? []);
  // Year 9999 is the last that fits; the reach must not lead beyond it.
  const reach = (ms: number): string => literal(timestampText(Math.min(Math.max(ms, 0), 253_402_300_799_999)));
  return `INSERT INTO load_fresh (${eventColumns})
    SELECT ${columnNames(bookingEvent)
      .map((c) => `s.${c}`)
      .join(', ')}
    FROM (SELECT ${eventColumns}, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY file_id, line) AS nth FROM load_stage) s
    LEFT JOIN booking_event e ON e.event_id = s.event_id
      AND e.occurred_at >= ${reach(Math.min(...times) - duplicateReachMs)} AND e.occurred_at <= ${reach(Math.max(...times) + duplicateReachMs)}
    WHERE s.nth = 1 AND e.event_id IS NULL`;
}
