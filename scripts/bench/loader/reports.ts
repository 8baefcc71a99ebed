import type { Database, Session } from '../../../services/lib/warehouse/database.ts';
import { recomputeKpis } from '../../../services/lib/warehouse/kpi.ts';
import { median } from '../harness/bench.ts';

/** A month of hours, tours and channels: all of them have events from the first million on. */
const cells = 720 * 100 * 3;
const lastWeek = "business_day > DATE '2026-05-24'";
const timesAsked = 15;

/** What a report asks. */
const reports = {
  'days of a month': 'SELECT * FROM kpi_daily',
  'channels of a month': 'SELECT * FROM kpi_channel_daily',
  'hours of a week': `SELECT * FROM kpi_hour_of_day WHERE ${lastWeek}`,
  'tours of a week': `SELECT * FROM kpi_tour_daily WHERE ${lastWeek}`,
} as const;
export type Report = keyof typeof reports;

/**
 * Fills an empty warehouse with events, spread evenly, and counts them all as a rebuild does. Without indexes on booking_event, which the
 * reports do not touch: it is filled in a tenth of the time.
 */
export async function fill(database: Database, events: number): Promise<void> {
  const session = await database.connect();
  try {
    await session.query('DROP INDEX booking_event_event_id');
    await session.query('DROP INDEX booking_event_occurred_at');
    await session.query(insertEvents(1, events));
    await session.query('BEGIN');
    await recomputeKpis(session);
    await session.query('COMMIT');
    await session.query('VACUUM ANALYZE kpi_hourly');
  } finally {
    await session.close();
  }
}

export interface ReportTimes {
  /** Median milliseconds. */
  readonly small: number;
  readonly large: number;
  /** Median of large / small, of two that were asked one after the other: what else the machine does meets both. */
  readonly growth: number;
}

/** Asks each report of both databases in turn. */
export async function askReports(small: Database, large: Database): Promise<Record<Report, ReportTimes>> {
  const sessions = await Promise.all([small.connect(), large.connect()]);
  try {
    const times: [string, ReportTimes][] = [];
    for (const [name, sql] of Object.entries(reports)) times.push([name, await timesOf(sessions, sql)]);
    return Object.fromEntries(times) as Record<Report, ReportTimes>;
  } finally {
    await Promise.all(sessions.map((session) => session.close()));
  }
}

async function timesOf([small, large]: readonly [Session, Session], sql: string): Promise<ReportTimes> {
  const pairs: { readonly small: number; readonly large: number }[] = [];
  for (let i = 0; i <= timesAsked; i++) {
    const pair = { small: await msOf(small, sql), large: await msOf(large, sql) };
    if (i > 0) pairs.push(pair); // the first one warms
  }
  return {
    small: median(pairs.map((pair) => pair.small)),
    large: median(pairs.map((pair) => pair.large)),
    growth: median(pairs.map((pair) => pair.large / pair.small)),
  };
}

async function msOf(session: Session, sql: string): Promise<number> {
  const from = performance.now();
  await session.query(sql);
  return performance.now() - from;
}

/** 7,919 shares no factor with the number of cells: all of them get as many events. */
const insertEvents = (first: number, last: number): string => `INSERT INTO booking_event
  (file_id, line, booking_id, version, event_id, type, user_id, tour_id, occurred_at, seats, amount_minor, currency, channel, source, arrived_at)
  SELECT 'file', 1, 'b-' || n, 1, MD5(CAST(n AS TEXT)), CASE WHEN n % 4 = 0 THEN 'cancelled' ELSE 'reserved' END, 'user-' || n % 100000,
    'tour-' || cell % 100, at, 2, 12900, 'EUR', 'channel-' || cell / 100 % 3, 'dynamodb', at
  FROM (SELECT n, cell, TIMESTAMP '2026-05-01' + cell / 300 * INTERVAL '1 hour' + n % 3600 * INTERVAL '1 second' AS at
    FROM (SELECT n, CAST(n * 7919 % ${cells} AS INTEGER) AS cell FROM GENERATE_SERIES(CAST(${first} AS BIGINT), ${last}) AS n) c) e`;
