import { type StageCopier, StagedObjectError } from './copy.ts';
import { replaceCurrentRows } from './current-rows.ts';
import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { addToKpis } from './kpi.ts';
import type { LoadFile } from './load.ts';
import { bookingEvent, columnNames, type Table } from './model.ts';
import { literal, timestampText } from './sql.ts';
import { refreshStatistics } from './statistics.ts';

/** Copies of one event (retries, replays) lie at most this far apart in event time; only there the anti-join looks. */
const duplicateReachMs = 8 * 24 * 3_600_000;

const eventColumns = columnNames(bookingEvent).join(', ');
const scratch = ['load_stage', 'load_repeat', 'load_latest', 'load_kpi'] as const;
const loadRepeat: Table = {
  name: 'load_repeat',
  summary: 'rows of load_stage whose event stands there before them',
  columns: bookingEvent.columns.filter(({ name }) => name === 'file_id' || name === 'line'),
  distribution: 'all',
  sortKey: [],
  indexes: [],
};

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
  await refreshStatistics(session, [
    'load_stage (event_id, occurred_at, booking_id, tour_id, channel, currency)',
    'booking_event (event_id, occurred_at)',
  ]);

  await deleteRepeats(session, files);
  const inserted = await countPerFile(session);
  await session.query(`INSERT INTO booking_event (${eventColumns}) SELECT ${eventColumns} FROM load_stage`);

  await replaceCurrentRows(session);
  await addToKpis(session);
  for (const table of scratch) await session.query(`DROP TABLE ${table}`);
  return inserted;
}

async function countPerFile(session: Session): Promise<Map<string, number>> {
  const { rows } = await session.query('SELECT file_id, COUNT(*) AS n FROM load_stage GROUP BY file_id');
  return new Map(rows.map((row) => [String(row['file_id']), Number(row['n'])]));
}

async function checkCounts(session: Session, files: readonly LoadFile[]): Promise<void> {
  const counts = await countPerFile(session);
  for (const { fileId, rows, object } of files) {
    const copied = counts.get(fileId) ?? 0;
    if (copied !== rows) throw new StagedObjectError(object?.key ?? fileId, `${copied} rows copied, ${rows} registered`);
    counts.delete(fileId);
  }
  for (const [fileId, copied] of counts) throw new StagedObjectError(fileId, `${copied} rows of a file that is not in the batch`);
}

/** Each event once: what the warehouse has goes, by an anti-join over the batch's time range, then all but the first of those in the batch. */
async function deleteRepeats(session: Session, files: readonly LoadFile[]): Promise<void> {
  const times = files.flatMap((file) => file.occurred ?? []);
  // Year 9999 is the last that fits; the reach must not lead beyond it.
  const reach = (ms: number): string => literal(timestampText(Math.min(Math.max(ms, 0), 253_402_300_799_999)));
  await session.query(`DELETE FROM load_stage USING booking_event
    WHERE booking_event.event_id = load_stage.event_id
      AND booking_event.occurred_at >= ${reach(Math.min(...times) - duplicateReachMs)}
      AND booking_event.occurred_at <= ${reach(Math.max(...times) + duplicateReachMs)}`);
  await session.query(createTempTable('load_repeat', loadRepeat, session.dialect));
  await session.query(`INSERT INTO load_repeat (file_id, line) SELECT file_id, line
    FROM (SELECT file_id, line, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY file_id, line) AS nth FROM load_stage) s
    WHERE nth > 1`);
  await refreshStatistics(session, ['load_repeat (file_id, line)']);
  await session.query(
    'DELETE FROM load_stage USING load_repeat WHERE load_repeat.file_id = load_stage.file_id AND load_repeat.line = load_stage.line',
  );
}
