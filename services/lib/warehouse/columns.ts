/** A column's type, in the terms both dialects can print. `bytes`: Redshift counts VARCHAR in bytes of UTF-8. */
export type ColumnType =
  | { readonly kind: 'text'; readonly bytes: number }
  | { readonly kind: 'integer' }
  | { readonly kind: 'bigint' }
  /** DECIMAL(38,0): the largest either dialect holds, for sums that a BIGINT could not. */
  | { readonly kind: 'decimal' }
  | { readonly kind: 'date' }
  /** UTC, without a zone: what both dialects sort and truncate cheaply. */
  | { readonly kind: 'timestamp' }
  /** SUPER on Redshift, jsonb on Postgres. */
  | { readonly kind: 'json' };

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: true;
  /** What a row gets that a build before this column writes. */
  readonly default?: 0;
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

export const text = (name: string, bytes: number): Column => ({ name, type: { kind: 'text', bytes } });
export const integer = (name: string): Column => ({ name, type: { kind: 'integer' } });
export const bigint = (name: string): Column => ({ name, type: { kind: 'bigint' } });
export const decimal = (name: string): Column => ({ name, type: { kind: 'decimal' } });
export const date = (name: string): Column => ({ name, type: { kind: 'date' } });
export const timestamp = (name: string): Column => ({ name, type: { kind: 'timestamp' } });
export const json = (name: string): Column => ({ name, type: { kind: 'json' } });
export const nullable = (column: Column): Column => ({ ...column, nullable: true });
export const defaultsToZero = (column: Column): Column => ({ ...column, default: 0 });

/** Bytes of what several tables hold. Contract limits are in UTF-16 units; one unit is at most 3 bytes of UTF-8. */
export const bytesOf = {
  id: 256 * 3,
  user: 128 * 3,
  channel: 64 * 3,
  eventId: 32,
  currency: 3,
  application: 128,
  stream: 160,
  shard: 128,
  position: 140, // lib/kcl/position.ts
  uuid: 36,
} as const;
