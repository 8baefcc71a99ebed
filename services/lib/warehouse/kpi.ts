import type { Session } from './database.ts';
import { createTempTable } from './ddl.ts';
import { columnNames } from './model.ts';
import { kpiHourly } from './model-reporting.ts';
import { literal } from './sql.ts';
import { refreshStatistics } from './statistics.ts';

const columns = columnNames(kpiHourly).join(', ');
const key = ['hour', 'business_day', 'tour_id', 'channel', 'currency'];
const measures = columnNames(kpiHourly).filter((column) => !key.includes(column));

const countOf = (type: string): string => `SUM(CASE WHEN e.type = '${type}' THEN 1 ELSE 0 END)`;
const sumOf = (column: string, type: string): string => `SUM(CASE WHEN e.type = '${type}' THEN e.${column} ELSE 0 END)`;

/** The business day of a UTC time, next to joinSwitches of the same column; the UTC day where the calendar has ended. */
export const businessDayOf = (column: string): string =>
  `CASE WHEN s.utc_day IS NULL THEN CAST(${column} AS DATE) WHEN ${column} < s.switches_at THEN s.first_day ELSE s.next_day END`;
export const joinSwitches = (column: string): string => `LEFT JOIN business_day_switch s ON s.utc_day = CAST(${column} AS DATE)`;

/** The columns of kpi_hourly for the events in `source`. An event counts in the hour and on the day of its occurred_at, however late it comes. */
const hourlyFigures = (source: string): string => `SELECT DATE_TRUNC('hour', e.occurred_at),
      ${businessDayOf('e.occurred_at')},
      e.tour_id, e.channel, e.currency,
      ${['reserved', 'cancelled', 'changed', 'expired'].map(countOf).join(', ')},
      ${sumOf('seats', 'reserved')}, ${sumOf('seats', 'cancelled')},
      ${sumOf('amount_minor', 'reserved')}, ${sumOf('amount_minor', 'cancelled')}
    FROM ${source} e ${joinSwitches('e.occurred_at')}
    GROUP BY 1, 2, 3, 4, 5`;

/** Tours that dim_tour does not have. */
const insertNewTours = (source: string): string => `INSERT INTO dim_tour (tour_id, first_seen_at)
    SELECT e.tour_id, MIN(e.arrived_at) FROM ${source} e LEFT JOIN dim_tour t ON t.tour_id = e.tour_id
    WHERE t.tour_id IS NULL GROUP BY e.tour_id`;

/** Adds the events left in load_stage, which were not there before this transaction: they count once. */
export async function addToKpis(session: Session): Promise<void> {
  await session.query(createTempTable('load_kpi', kpiHourly, session.dialect));
  await session.query(`INSERT INTO load_kpi (${columns}) ${hourlyFigures('load_stage')}`);
  await refreshStatistics(session, ['load_kpi (hour, tour_id)', 'kpi_hourly (hour, tour_id)']);
  const hours = await hoursOf(session);
  if (hours !== undefined) {
    await session.query(updateRows(hours));
    await session.query(insertRows(hours));
  }
  await session.query(insertNewTours('load_stage'));
}

type Hours = readonly [first: string, last: string];

/** Late events reach back; Redshift, which sorts kpi_hourly by hour, reads no more blocks than these lie in. */
async function hoursOf(session: Session): Promise<Hours | undefined> {
  const text = (value: string): string => `TO_CHAR(${value}, 'YYYY-MM-DD HH24:MI:SS')`;
  const { rows } = await session.query(`SELECT ${text('MIN(hour)')} AS first, ${text('MAX(hour)')} AS last FROM load_kpi`);
  const { first, last } = rows[0] ?? {};
  return typeof first === 'string' && typeof last === 'string' ? [literal(first), literal(last)] : undefined;
}

const sameRow = key.map((column) => `kpi_hourly.${column} = load_kpi.${column}`).join(' AND ');
const within = ([first, last]: Hours): string => `kpi_hourly.hour >= ${first} AND kpi_hourly.hour <= ${last}`;

const updateRows = (hours: Hours): string => `UPDATE kpi_hourly
    SET ${measures.map((column) => `${column} = kpi_hourly.${column} + load_kpi.${column}`).join(', ')}
    FROM load_kpi WHERE ${sameRow} AND ${within(hours)}`;

const insertRows = (hours: Hours): string => `INSERT INTO kpi_hourly (${columns})
    SELECT ${[...key, ...measures].map((column) => `load_kpi.${column}`).join(', ')}
    FROM load_kpi LEFT JOIN kpi_hourly ON ${sameRow} AND ${within(hours)}
    WHERE kpi_hourly.hour IS NULL`;

/** All of kpi_hourly, and the tours, anew from the events: inside a transaction that holds the gate, so that no load comes between. */
export async function recomputeKpis(session: Session): Promise<void> {
  await session.query('DELETE FROM kpi_hourly');
  await session.query(`INSERT INTO kpi_hourly (${columns}) ${hourlyFigures('booking_event')}`);
  await session.query(insertNewTours('booking_event'));
}
