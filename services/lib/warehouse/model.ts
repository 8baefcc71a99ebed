/** A column's type, in the terms both dialects can print. `bytes`: Redshift counts VARCHAR in bytes of UTF-8. */
export type ColumnType =
  | { readonly kind: 'text'; readonly bytes: number }
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  /** UTC, without a zone: what both dialects sort and truncate cheaply. */
  | { readonly kind: 'timestamp' }
  /** SUPER on Redshift, jsonb on Postgres. */
  | { readonly kind: 'json' };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: true;
}

export interface Table {
  readonly name: string;
  readonly summary: string;
  readonly columns: readonly Column[];
  /** Redshift: rows of one key lie on one slice; `all` copies a small table to every node. */
  readonly distribution: { readonly key: string } | 'all';
  readonly sortKey: readonly string[];
  /** Postgres only (Redshift has none). Never unique: exactness comes from the load transaction, which Redshift must carry alone. */
  readonly indexes: readonly (readonly string[])[];
}

const text = (name: string, bytes: number): Column => ({ name, type: { kind: 'text', bytes } });
const integer = (name: string): Column => ({ name, type: { kind: 'integer' } });
const bigint = (name: string): Column => ({ name, type: { kind: 'bigint' } });
const timestamp = (name: string): Column => ({ name, type: { kind: 'timestamp' } });
const nullable = (column: Column): Column => ({ ...column, nullable: true });

// Contract limits are in UTF-16 units; one unit is at most 3 bytes of UTF-8.
const id = 256 * 3;
const user = 128 * 3;
const shard = 128;
const positionBytes = 140; // lib/kcl/position.ts
const uuid = 36;

const bookingColumns = [
  text('booking_id', id),
  bigint('version'),
  text('event_id', 32),
  text('type', 16),
  text('user_id', user),
  text('tour_id', id),
  timestamp('occurred_at'),
  integer('seats'),
  bigint('amount_minor'),
  text('currency', 3),
  text('channel', 64 * 3),
  text('source', 16),
];

export const bookingEvent: Table = {
  name: 'booking_event',
  summary: 'every booking event once; file_id leads to the ledger, which says when it became visible',
  columns: [
    text('file_id', uuid),
    integer('line'),
    ...bookingColumns,
    nullable(text('traceparent', 128 * 3)),
    nullable({ name: 'extra', type: { kind: 'json' } }),
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

export const loadWatermark: Table = {
  name: 'load_watermark',
  summary: 'per shard the position up to which events are loaded',
  columns: [text('application', shard), text('stream', 160), text('shard', shard), text('position', positionBytes)],
  distribution: 'all',
  sortKey: [],
  indexes: [['application', 'stream', 'shard']],
};

export const loadLedger: Table = {
  name: 'load_ledger',
  summary: 'one row per loaded file: which range of which shard, rows copied, rows inserted (the rest were repeats)',
  columns: [
    text('batch_id', uuid),
    text('file_id', uuid),
    text('application', shard),
    text('stream', 160),
    text('shard', shard),
    text('from_position', positionBytes),
    text('to_position', positionBytes),
    nullable(text('object', 1_024)),
    bigint('rows_copied'),
    bigint('rows_inserted'),
    timestamp('loaded_at'),
  ],
  distribution: 'all',
  sortKey: ['loaded_at'],
  indexes: [['file_id'], ['application', 'stream', 'shard']],
};

/** The model as it stands; migrations.ts leads every warehouse to it. */
export const tables: readonly Table[] = [bookingEvent, booking, loadGate, loadWatermark, loadLedger];

export const columnNames = (table: Table): string[] => table.columns.map((column) => column.name);
