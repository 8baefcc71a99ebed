import { bigint, bytesOf, date, decimal, integer, json, nullable, type Table, text, timestamp } from './columns.ts';

/** What reports read. Kept by the load transaction, except for the calendar (calendar.ts), fraud_alert and warehouse_check. */

export const kpiHourly: Table = {
  name: 'kpi_hourly',
  summary: 'what happened per UTC hour, business day, tour, channel and currency, by occurred_at; amounts in minor units of the currency',
  columns: [
    timestamp('hour'),
    date('business_day'),
    text('tour_id', bytesOf.id),
    text('channel', bytesOf.channel),
    text('currency', bytesOf.currency),
    ...['reserved', 'cancelled', 'changed', 'expired', 'seats_reserved', 'seats_cancelled'].map(bigint),
    // An amount may be 2^53 - 1: a BIGINT would end at 1,024 of them, and with it every load.
    ...['amount_reserved_minor', 'amount_cancelled_minor'].map(decimal),
  ],
  distribution: { key: 'tour_id' },
  sortKey: ['hour'],
  indexes: [['hour'], ['business_day']],
};

export const businessDaySwitch: Table = {
  name: 'business_day_switch',
  summary: 'per UTC day the business day at its start, and the instant (UTC) within it from which on it is the next one',
  columns: [date('utc_day'), date('first_day'), timestamp('switches_at'), date('next_day')],
  distribution: 'all',
  sortKey: ['utc_day'],
  indexes: [['utc_day']],
};

export const dimDate: Table = {
  name: 'dim_date',
  summary: 'business days: from starts_at until before ends_at (UTC); a day that the zone skipped has no length',
  columns: [
    date('day'),
    timestamp('starts_at'),
    timestamp('ends_at'),
    // iso_week and iso_year as in ISO 8601; weekday 1 is Monday; is_weekend 0 or 1.
    ...['year', 'quarter', 'month', 'day_of_month', 'iso_week', 'iso_year', 'weekday', 'is_weekend'].map(integer),
  ],
  distribution: 'all',
  sortKey: ['day'],
  indexes: [['day']],
};

export const dimTour: Table = {
  name: 'dim_tour',
  summary: 'every tour that an event named; first_seen_at is an arrival; the rest is for a catalogue to fill',
  columns: [
    text('tour_id', bytesOf.id),
    timestamp('first_seen_at'),
    nullable(text('name', 1_024)),
    nullable(text('destination', 1_024)),
    nullable(integer('capacity')),
  ],
  distribution: 'all',
  sortKey: ['tour_id'],
  indexes: [['tour_id']],
};

export const fraudAlert: Table = {
  name: 'fraud_alert',
  summary: 'alerts of the fraud detector, from its own table; `at` is the time of the newest evidence',
  columns: [
    text('alert_id', bytesOf.eventId),
    text('rule_id', 256),
    integer('rule_version'),
    text('mode', 16),
    text('severity', 16),
    text('action', 16),
    text('user_id', bytesOf.user),
    timestamp('at'),
    timestamp('raised_at'),
    timestamp('arrived_at'),
    bigint('value'),
    bigint('evidence_count'),
    json('evidence'),
    integer('warming'),
    nullable(timestamp('published_at')),
    nullable(timestamp('withheld_at')),
    timestamp('loaded_at'),
  ],
  distribution: { key: 'user_id' },
  sortKey: ['at'],
  indexes: [['alert_id'], ['at']],
};

export const warehouseCheck: Table = {
  name: 'warehouse_check',
  summary: 'the daily count over booking_event: doubled = rows - distinct events, and must be 0',
  columns: [timestamp('checked_at'), ...['rows', 'distinct_events', 'doubled'].map(bigint)],
  distribution: 'all',
  sortKey: ['checked_at'],
  indexes: [],
};

export const warehouseSetting: Table = {
  name: 'warehouse_setting',
  summary: 'what was decided for this warehouse as a whole: business_time_zone',
  columns: [text('name', 64), text('value', 256)],
  distribution: 'all',
  sortKey: [],
  indexes: [],
};

export const reportingTables: readonly Table[] = [
  kpiHourly,
  businessDaySwitch,
  dimDate,
  dimTour,
  fraudAlert,
  warehouseCheck,
  warehouseSetting,
];
