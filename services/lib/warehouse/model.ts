import { bigint, bytesOf, defaultsToZero, integer, json, nullable, type Table, text, timestamp } from './columns.ts';
import { reportingTables } from './model-reporting.ts';

export type { Table } from './columns.ts';

const bookingColumns = [
  text('booking_id', bytesOf.id),
  bigint('version'),
  text('event_id', bytesOf.eventId),
  text('type', 16),
  text('user_id', bytesOf.user),
  text('tour_id', bytesOf.id),
  timestamp('occurred_at'),
  integer('seats'),
  bigint('amount_minor'),
  text('currency', bytesOf.currency),
  text('channel', bytesOf.channel),
  text('source', 16),
];

export const bookingEvent: Table = {
  name: 'booking_event',
  summary: 'every booking event once; file_id leads to the ledger, which says when it became visible',
  columns: [
    text('file_id', bytesOf.uuid),
    integer('line'),
    ...bookingColumns,
    nullable(text('traceparent', 128 * 3)),
    nullable(json('extra')),
    timestamp('arrived_at'),
  ],
  distribution: { key: 'booking_id' },
  sortKey: ['occurred_at'],
  indexes: [['event_id'], ['occurred_at']],
};

export const booking: Table = {
  name: 'booking',
  summary: 'the current state of each booking: its event with the highest (version, event_id)',
  columns: bookingColumns,
  distribution: { key: 'booking_id' },
  sortKey: ['booking_id'],
  indexes: [['booking_id']],
};

export const loadGate: Table = {
  name: 'load_gate',
  summary: 'one row that every load updates first, so that any two loads conflict',
  columns: [bigint('n')],
  distribution: 'all',
  sortKey: [],
  indexes: [],
};

const shardColumns = [text('application', bytesOf.application), text('stream', bytesOf.stream), text('shard', bytesOf.shard)];

/** Of its own table: Redshift locks whole tables for writing, so a row beside that of the load gate would be the load gate. */
export const fraudAlertGate: Table = {
  ...loadGate,
  name: 'fraud_alert_gate',
  summary: 'one row that every load of alerts updates first, so that any two conflict',
};

export const loadWatermark: Table = {
  name: 'load_watermark',
  summary: 'per shard the position up to which events are loaded',
  columns: [...shardColumns, text('position', bytesOf.position)],
  distribution: 'all',
  sortKey: [],
  indexes: [['application', 'stream', 'shard']],
};

export const loadLedger: Table = {
  name: 'load_ledger',
  summary:
    'one row per loaded file: which range of which shard, rows copied, rows inserted (the rest were repeats), lines that were refused before',
  columns: [
    text('batch_id', bytesOf.uuid),
    text('file_id', bytesOf.uuid),
    ...shardColumns,
    text('from_position', bytesOf.position),
    text('to_position', bytesOf.position),
    nullable(text('object', 1_024)),
    bigint('rows_copied'),
    bigint('rows_inserted'),
    timestamp('loaded_at'),
    defaultsToZero(bigint('rows_quarantined')),
  ],
  distribution: 'all',
  sortKey: ['loaded_at'],
  indexes: [['file_id'], ['application', 'stream', 'shard']],
};

/** Of a refused line; the rest is cut off. */
export const quarantineBytes = { columnName: 128, reason: 256, detail: 1_024, content: 8_192 } as const;

export const quarantine: Table = {
  name: 'quarantine',
  summary: 'lines of staged files that the warehouse refused, once each by (file_id, line)',
  columns: [
    text('batch_id', bytesOf.uuid),
    ...shardColumns,
    text('file_id', bytesOf.uuid),
    integer('line'),
    nullable(text('column_name', quarantineBytes.columnName)),
    text('reason', quarantineBytes.reason),
    text('detail', quarantineBytes.detail),
    text('content', quarantineBytes.content),
    timestamp('quarantined_at'),
  ],
  distribution: 'all',
  sortKey: ['quarantined_at'],
  indexes: [['file_id']],
};

/** The model as it stands; migrations.ts leads every warehouse to it. */
export const tables: readonly Table[] = [
  bookingEvent,
  booking,
  loadGate,
  fraudAlertGate,
  loadWatermark,
  loadLedger,
  quarantine,
  ...reportingTables,
];

export const columnNames = (table: Table): string[] => table.columns.map((column) => column.name);
