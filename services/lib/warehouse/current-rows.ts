import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { booking, columnNames } from './model.ts';
import { refreshStatistics } from './statistics.ts';

const bookingColumns = columnNames(booking).join(', ');

/** The booking's row is its event with the highest (version, event_id), whatever the order of arrival. */
const newestOf = (source: string): string => `SELECT ${bookingColumns}
   FROM (SELECT ${bookingColumns}, ROW_NUMBER() OVER (PARTITION BY booking_id ORDER BY version DESC, event_id DESC) AS nth FROM ${source}) f
   WHERE nth = 1`;

/** The order that ranks the batch's events also decides whether the row that stands is newer. */
const statements: readonly string[] = [
  `INSERT INTO load_latest (${bookingColumns})
   ${newestOf('load_stage')}`,
  `DELETE FROM load_latest USING booking
   WHERE booking.booking_id = load_latest.booking_id
     AND (booking.version > load_latest.version OR (booking.version = load_latest.version AND booking.event_id >= load_latest.event_id))`,
  'DELETE FROM booking USING load_latest WHERE booking.booking_id = load_latest.booking_id',
  `INSERT INTO booking (${bookingColumns}) SELECT ${bookingColumns} FROM load_latest`,
];

/** Brings `booking` to what the events left in load_stage make of it. */
export async function replaceCurrentRows(session: Session): Promise<void> {
  await session.query(createTempTable('load_latest', booking, session.dialect));
  await refreshStatistics(session, ['booking (booking_id)']);
  for (const statement of statements) await session.query(statement);
}

/** All of `booking` anew from the events: inside a transaction that holds the gate, so that no load comes between. */
export async function recomputeCurrentRows(session: Session): Promise<void> {
  await session.query('DELETE FROM booking');
  await session.query(`INSERT INTO booking (${bookingColumns}) ${newestOf('booking_event')}`);
}
