import type { Position } from '../../services/lib/kcl/position.ts';
import type { Database, Row } from '../../services/lib/warehouse/database.ts';
import {
  type AlertColumns,
  type Evidence,
  type HourlyRow,
  hourlyMeasures,
  type LedgerRow,
  type QuarantinedLine,
  type WarehouseEvent,
} from './evidence.ts';

type WarehouseEvidence = Pick<
  Evidence,
  'warehouseRows' | 'warehouseBookings' | 'ledger' | 'watermarks' | 'quarantine' | 'hourly' | 'warehouseAlerts'
>;

const epochMs = (column: string): string => `CAST(EXTRACT(EPOCH FROM ${column}) * 1000 AS BIGINT) AS ${column}`;
const eventColumns = `booking_id, version, event_id, type, user_id, tour_id, ${epochMs('occurred_at')}, seats, amount_minor, currency, channel, source`;

const text = (row: Row, name: string): string => String(row[name]);
const number = (row: Row, name: string): number => Number(row[name] ?? Number.NaN);

const eventOf = (row: Row): WarehouseEvent => ({
  bookingId: text(row, 'booking_id'),
  version: number(row, 'version'),
  eventId: text(row, 'event_id'),
  type: text(row, 'type'),
  userId: text(row, 'user_id'),
  tourId: text(row, 'tour_id'),
  occurredAt: number(row, 'occurred_at'),
  seats: number(row, 'seats'),
  amountMinor: number(row, 'amount_minor'),
  currency: text(row, 'currency'),
  channel: text(row, 'channel'),
  source: text(row, 'source'),
});

const ledgerRowOf = (row: Row): LedgerRow => ({
  fileId: text(row, 'file_id'),
  application: text(row, 'application'),
  streamId: text(row, 'stream'),
  shardId: text(row, 'shard'),
  from: text(row, 'from_position') as Position,
  to: text(row, 'to_position') as Position,
  copied: number(row, 'rows_copied'),
  inserted: number(row, 'rows_inserted'),
  quarantined: number(row, 'rows_quarantined'),
  loadedAt: number(row, 'loaded_at'),
});

/** The event's id is the fifth field of a staged line. */
const eventIdOfLine = /^[^,]+,\d+,"(?:[^"]|"")*",\d+,"([^"]*)"/;

const quarantinedOf = (row: Row): QuarantinedLine => ({
  fileId: text(row, 'file_id'),
  line: number(row, 'line'),
  eventId: eventIdOfLine.exec(text(row, 'content'))?.[1],
});

const hourlyOf = (row: Row): HourlyRow => ({
  key: ['hour', 'business_day', 'tour_id', 'channel', 'currency'].map((name) => text(row, name)).join('|'),
  measures: Object.fromEntries(hourlyMeasures.map((name) => [name, text(row, name)])) as HourlyRow['measures'],
});

const alertOf = (row: Row): AlertColumns => ({
  alertId: text(row, 'alert_id'),
  ruleId: text(row, 'rule_id'),
  ruleVersion: number(row, 'rule_version'),
  mode: text(row, 'mode'),
  severity: text(row, 'severity'),
  key: text(row, 'user_id'),
  at: number(row, 'at'),
});

/** All the warehouse holds, unjoined: a join could hide what is doubled or missing. */
export async function readWarehouse(database: Database): Promise<WarehouseEvidence> {
  const session = await database.connect();
  try {
    const events = await session.query(`SELECT file_id, ${eventColumns} FROM booking_event`);
    const bookings = await session.query(`SELECT ${eventColumns} FROM booking`);
    const files = await session.query(
      `SELECT file_id, application, stream, shard, from_position, to_position, rows_copied, rows_inserted, rows_quarantined, ${epochMs('loaded_at')} FROM load_ledger`,
    );
    const watermarks = await session.query('SELECT application, stream, shard, position FROM load_watermark');
    const quarantine = await session.query('SELECT file_id, line, content FROM quarantine');
    const hourly = await session.query(
      `SELECT ${epochMs('hour')}, TO_CHAR(business_day, 'YYYY-MM-DD') AS business_day, tour_id, channel, currency, ${hourlyMeasures.join(', ')} FROM kpi_hourly`,
    );
    const alerts = await session.query(
      `SELECT alert_id, rule_id, rule_version, mode, severity, user_id, ${epochMs('at')} FROM fraud_alert`,
    );
    const ledger = files.rows.map(ledgerRowOf);
    const loadedAt = new Map(ledger.map((file) => [file.fileId, file.loadedAt]));
    return {
      warehouseRows: events.rows.map((row) => ({
        ...eventOf(row),
        fileId: text(row, 'file_id'),
        loadedAt: loadedAt.get(text(row, 'file_id')),
      })),
      warehouseBookings: bookings.rows.map(eventOf),
      ledger,
      watermarks: watermarks.rows.map((row) => ({
        application: text(row, 'application'),
        streamId: text(row, 'stream'),
        shardId: text(row, 'shard'),
        position: text(row, 'position') as Position,
      })),
      quarantine: quarantine.rows.map(quarantinedOf),
      hourly: hourly.rows.map(hourlyOf),
      warehouseAlerts: alerts.rows.map(alertOf),
    };
  } finally {
    await session.close();
  }
}
