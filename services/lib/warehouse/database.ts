import { PlatformError } from '../process/errors.ts';
import type { Dialect } from './ddl.ts';
import { connectPg } from './pg-session.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface Result {
  readonly rows: readonly Row[];
  /** Rows touched by an INSERT, UPDATE, DELETE or COPY. */
  readonly affected: number;
  /** The command tag, such as UPDATE or COMMIT. */
  readonly command: string;
}

/**
 * One connection. Every call is bounded in time; failures reject with WAREHOUSE_UNAVAILABLE, WAREHOUSE_CONFLICT (both retriable),
 * WAREHOUSE_SCHEMA or WAREHOUSE_MISMATCH (data the warehouse refuses). After a failure the transaction is gone: close it.
 */
export interface Session {
  readonly dialect: Dialect;
  /** One statement without parameters (see sql.ts). */
  query(sql: string): Promise<Result>;
  /** Postgres only: `COPY … FROM STDIN` of uncompressed chunks. */
  copyIn(sql: string, chunks: AsyncIterable<Buffer>): Promise<void>;
  /** Rolls back what is open. Never rejects. */
  close(): Promise<void>;
}

/** Where sessions come from: node pg, for Postgres and for Redshift, whose wire protocol is Postgres'. */
export interface Database {
  readonly dialect: Dialect;
  connect(): Promise<Session>;
}

/** Bounds of one session (ms). All explicit: the default of each is to wait for ever. */
export interface SessionLimits {
  readonly connectMs: number;
  /** One statement; a COPY of 1 GB on a small warehouse is what it must allow. */
  readonly statementMs: number;
  /** Waiting for the gate; DESIGN: a session blocked by a dead one for this long ends it. */
  readonly lockMs: number;
}

export const defaultSessionLimits: SessionLimits = { connectMs: 5_000, statementMs: 300_000, lockMs: 60_000 };

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);
const redshiftPort = 5439;

/**
 * `postgres://user:password@host:port/database`, or `redshift://…` for Redshift (default port 5439).
 * Anything that is not loopback is reached over TLS with its certificate verified. Throws CONFIG_INVALID.
 */
export function openDatabase(url: string, limits: SessionLimits = defaultSessionLimits): Database {
  const target = parseUrl(url);
  return { dialect: target.dialect, connect: () => connectPg(target, limits) };
}

export interface Target {
  readonly dialect: Dialect;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly tls: boolean;
}

function parseUrl(url: string): Target {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const dialect = parsed?.protocol === 'redshift:' ? 'redshift' : /^postgres(ql)?:$/.test(parsed?.protocol ?? '') ? 'postgres' : undefined;
  if (!parsed || !dialect || parsed.hostname === '' || parsed.pathname.length < 2) {
    throw new PlatformError('CONFIG_INVALID', 'the warehouse URL must look like postgres://user@host:port/database or redshift://…');
  }
  return {
    dialect,
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: parsed.port === '' ? (dialect === 'redshift' ? redshiftPort : 5432) : Number(parsed.port),
    user: decodeURIComponent(parsed.username) || 'postgres',
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    tls: !loopback.has(parsed.hostname),
  };
}
