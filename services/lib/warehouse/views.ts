import { businessDayOf, joinSwitches } from './kpi.ts';

/** A view, with what it means in words: its comment in the warehouse, and docs/kpis.md. */
export interface View {
  readonly name: string;
  readonly definition: string;
  /** What `sql` selects, in order. */
  readonly columns: readonly string[];
  readonly sql: string;
}

/** Over rows of kpi_hourly. Ratios are doubles: decimals of the two dialects round apart. No ratio where there is nothing to divide by. */
const measures = `CAST(SUM(k.reserved) AS BIGINT) AS reserved, CAST(SUM(k.cancelled) AS BIGINT) AS cancelled,
    CAST(SUM(k.changed) AS BIGINT) AS changed, CAST(SUM(k.expired) AS BIGINT) AS expired,
    CAST(SUM(k.seats_reserved) AS BIGINT) AS seats_reserved, CAST(SUM(k.seats_cancelled) AS BIGINT) AS seats_cancelled,
    CAST(SUM(k.seats_reserved) - SUM(k.seats_cancelled) AS BIGINT) AS seats_net,
    SUM(k.amount_reserved_minor) AS gross_minor, SUM(k.amount_cancelled_minor) AS cancelled_minor,
    SUM(k.amount_reserved_minor) - SUM(k.amount_cancelled_minor) AS net_minor,
    CAST(SUM(k.cancelled) AS DOUBLE PRECISION) / NULLIF(SUM(k.reserved), 0) AS cancellation_rate,
    CAST(SUM(k.amount_reserved_minor) AS DOUBLE PRECISION) / NULLIF(SUM(k.reserved), 0) AS average_booking_minor,
    CAST(SUM(k.amount_reserved_minor) AS DOUBLE PRECISION) / NULLIF(SUM(k.seats_reserved), 0) AS average_seat_minor`;

const measureColumns = [
  'reserved',
  'cancelled',
  'changed',
  'expired',
  'seats_reserved',
  'seats_cancelled',
  'seats_net',
  'gross_minor',
  'cancelled_minor',
  'net_minor',
  'cancellation_rate',
  'average_booking_minor',
  'average_seat_minor',
];

const per = (...keys: readonly string[]): string => {
  const columns = keys.map((column) => `k.${column}`).join(', ');
  return `SELECT ${columns}, ${measures} FROM kpi_hourly k GROUP BY ${columns}`;
};

// The clock change of a day is not in the calendar, only its beginning: hours are counted from there.
const hourOfDay = `CASE WHEN d.starts_at IS NULL OR k.hour < d.starts_at THEN 0
    ELSE CAST(FLOOR((EXTRACT(EPOCH FROM DATE_TRUNC('second', k.hour)) - EXTRACT(EPOCH FROM DATE_TRUNC('second', d.starts_at))) / 3600) AS INTEGER) END`;

export const views: readonly View[] = [
  {
    name: 'kpi_daily',
    definition: 'Bookings, cancellations, seats and amounts per business day and currency, each event on the day of its occurred_at.',
    columns: ['business_day', 'currency', ...measureColumns],
    sql: per('business_day', 'currency'),
  },
  {
    name: 'kpi_hour_of_day',
    definition:
      'The same per business day, hour of that day and currency. Hour 0 begins with the business day; on the two days of a clock change the hours after it are one off the clock, and in a zone off UTC by part of an hour an hour is the UTC hour that begins in it.',
    columns: ['business_day', 'hour_of_day', 'currency', ...measureColumns],
    sql: `SELECT h.business_day, h.hour_of_day, h.currency, ${measures.replaceAll('k.', 'h.')}
  FROM (SELECT k.*, ${hourOfDay} AS hour_of_day FROM kpi_hourly k LEFT JOIN dim_date d ON d.day = k.business_day) h
  GROUP BY h.business_day, h.hour_of_day, h.currency`,
  },
  {
    name: 'kpi_tour_daily',
    definition: 'The same per business day, tour and currency.',
    columns: ['business_day', 'tour_id', 'currency', ...measureColumns],
    sql: per('business_day', 'tour_id', 'currency'),
  },
  {
    name: 'kpi_channel_daily',
    definition: 'The same per business day, sales channel and currency.',
    columns: ['business_day', 'channel', 'currency', ...measureColumns],
    sql: per('business_day', 'channel', 'currency'),
  },
  {
    name: 'kpi_fraud_daily',
    definition:
      'Fraud alerts per business day of their newest evidence, rule, version, mode and severity: alerts, users they name, those with action lock, those a warming rule raised, those published.',
    columns: ['business_day', 'rule_id', 'rule_version', 'mode', 'severity', 'alerts', 'users', 'locks', 'warming', 'published'],
    sql: `SELECT a.business_day, a.rule_id, a.rule_version, a.mode, a.severity, COUNT(*) AS alerts, COUNT(DISTINCT a.user_id) AS users,
    CAST(SUM(CASE WHEN a.action = 'lock' THEN 1 ELSE 0 END) AS BIGINT) AS locks, CAST(SUM(a.warming) AS BIGINT) AS warming,
    COUNT(a.published_at) AS published
  FROM (SELECT f.*, ${businessDayOf('f.at')} AS business_day
    FROM fraud_alert f ${joinSwitches('f.at')}) a
  GROUP BY a.business_day, a.rule_id, a.rule_version, a.mode, a.severity`,
  },
  {
    name: 'load_freshness',
    definition: 'Per shard the position up to which events are loaded, and when the load that brought it there was written (UTC).',
    columns: ['application', 'stream', 'shard', 'position', 'loaded_at', 'batch_id'],
    sql: `SELECT w.application, w.stream, w.shard, w.position, l.loaded_at, l.batch_id
  FROM load_watermark w LEFT JOIN load_ledger l
    ON l.application = w.application AND l.stream = w.stream AND l.shard = w.shard AND l.to_position = w.position`,
  },
];
