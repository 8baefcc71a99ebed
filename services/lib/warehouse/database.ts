import { isLoopbackUrl } from '../process/config.ts';
import { PlatformError } from '../process/errors.ts';
import { cachedLogin, fixedLogin, type LoginSource } from './credentials.ts';
import type { Dialect } from './ddl.ts';
import { connectPg } from './pg-session.ts';
import { issueLogin, serverlessClient } from './serverless-credentials.ts';
import { parseTarget, readAuthorities, type Target } from './target.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface Result {
  readonly rows: readonly Row[];
  /** Rows touched by an INSERT, UPDATE, DELETE or COPY. */
  readonly affected: number;
  /** The command tag, such as UPDATE or COMMIT. */
  readonly command: string;
}

/**
 * One connection. Every call is bounded in time; failures reject as pg-errors.ts tells them apart: WAREHOUSE_UNAVAILABLE,
 * WAREHOUSE_CONFLICT and WAREHOUSE_FULL (retriable), WAREHOUSE_REFUSED, WAREHOUSE_SCHEMA or WAREHOUSE_MISMATCH (data the warehouse
 * refuses). After a failure the transaction is gone: close it.
 */
export interface Session {
  readonly dialect: Dialect;
  /** What it was opened with; without them, defaultSessionLimits. */
  readonly limits?: SessionLimits;
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

export interface Access {
  /** Of the workgroup; needed for one. */
  readonly region?: string;
  /** PEM file of the authorities to trust instead of Node's own; it turns TLS on for loopback too. */
  readonly caFile?: string;
}

/** What a session is opened with. */
export interface Connection {
  readonly target: Target;
  readonly login: LoginSource;
  readonly limits: SessionLimits;
  readonly tls: false | { readonly ca?: string };
}

/**
 * The warehouse of a URL (target.ts). Anything that is not loopback is reached over TLS, its certificate verified against Node's
 * authorities: those of Amazon are among them, and Redshift's certificates are ACM's (RMG connecting-ssl-support). Throws
 * CONFIG_INVALID; touches nothing yet but the CA file.
 */
export function openDatabase(url: string, limits: SessionLimits = defaultSessionLimits, access: Access = {}): Database {
  const target = parseTarget(url);
  const ca = access.caFile === undefined ? undefined : readAuthorities(access.caFile);
  const tls = ca === undefined ? !isLoopbackUrl(url) && {} : { ca };
  const connection: Connection = { target, login: loginSource(target, access), limits, tls };
  return { dialect: target.dialect, connect: () => connectPg(connection) };
}

function loginSource({ login, database }: Target, { region }: Access): LoginSource {
  if (login.kind === 'fixed') return fixedLogin(login);
  if (region === undefined) throw new PlatformError('CONFIG_INVALID', 'AWS_REGION is not set: which region is the workgroup in?');
  const client = serverlessClient(region, login.endpoint);
  return cachedLogin(() => issueLogin(client, login, database), Date.now);
}
