import type { Session } from './database.ts';
import { columnNames } from './model.ts';
import { kpiHourly } from './model-reporting.ts';

const columns = columnNames(kpiHourly).join(', ');

const countOf = (type: string): string => `SUM(CASE WHEN e.type = '${type}' THEN 1 ELSE 0 END)`;
const sumOf = (column: string, type: string): string => `SUM(CASE WHEN e.type = '${type}' THEN e.${column} ELSE 0 END)`;

/**
 * The columns of kpi_hourly for the events in `source`. An event counts in the hour and on the business day of its occurred_at, however
 * late it comes; on a day beyond the calendar's end the business day is the UTC day.
 */
export const hourlyFigures = (source: string): string => `SELECT DATE_TRUNC('hour', e.occurred_at),
      CASE WHEN s.utc_day IS NULL THEN CAST(e.occurred_at AS DATE) WHEN e.occurred_at < s.switches_at THEN s.first_day ELSE s.next_day END,
      e.tour_id, e.channel, e.currency,
      ${['reserved', 'cancelled', 'changed', 'expired'].map(countOf).join(', ')},
      ${sumOf('seats', 'reserved')}, ${sumOf('seats', 'cancelled')},
      ${sumOf('amount_minor', 'reserved')}, ${sumOf('amount_minor', 'cancelled')}
    FROM ${source} e LEFT JOIN business_day_switch s ON s.utc_day = CAST(e.occurred_at AS DATE)
    GROUP BY 1, 2, 3, 4, 5`;

/** Tours that dim_tour does not have. */
export const insertNewTours = (source: string): string => `INSERT INTO dim_tour (tour_id, first_seen_at)
    SELECT e.tour_id, MIN(e.arrived_at) FROM ${source} e LEFT JOIN dim_tour t ON t.tour_id = e.tour_id
    WHERE t.tour_id IS NULL GROUP BY e.tour_id`;

/** All of kpi_hourly, and the tours, anew from the events: inside a transaction that holds the gate, so that no load comes between. */
export async function recomputeKpis(session: Session): Promise<void> {
  await session.query('DELETE FROM kpi_hourly');
  await session.query(`INSERT INTO kpi_hourly (${columns}) ${hourlyFigures('booking_event')}`);
  await session.query(insertNewTours('booking_event'));
}
