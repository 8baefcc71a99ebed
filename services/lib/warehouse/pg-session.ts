import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Connection, Result, Session, SessionLimits } from './database.ts';
import type { Dialect } from './ddl.ts';
import { WarehouseError, warehouseError } from './pg-errors.ts';

/** Beyond the server's own statement timeout: the server did not answer at all. */
const answerGraceMs = 10_000;
const closeMs = 1_000;
/** Taken as needed: the scratch tables of a load of 100,000 rows, in memory. */
const temporaryBuffers = '128MB';

/**
 * Session settings. `idle_in_transaction_session_timeout`: a session whose committer died (its host gone, no FIN) would hold the
 * gate for as long as TCP takes to notice. Redshift has neither that nor a lock timeout: there a statement's bound covers the wait,
 * and endDeadBlockers (gate.ts) the dead session.
 */
export function sessionSettings(dialect: Dialect, limits: SessionLimits): string[] {
  if (dialect === 'redshift') return [`SET statement_timeout TO ${limits.statementMs}`];
  return [
    `SET statement_timeout TO ${limits.statementMs}`,
    `SET lock_timeout TO ${limits.lockMs}`,
    `SET idle_in_transaction_session_timeout TO ${limits.lockMs}`,
    `SET temp_buffers TO '${temporaryBuffers}'`,
  ];
}

export async function connectPg({ target, login, limits, tls }: Connection): Promise<Session> {
  const { user, password } = await login.get();
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    user,
    ...(password === undefined ? {} : { password }),
    database: target.database,
    ssl: tls && { ...tls, rejectUnauthorized: true },
    application_name: 'travelbuddy',
    connectionTimeoutMillis: limits.connectMs,
    query_timeout: limits.statementMs + answerGraceMs,
    keepAlive: true,
  });
  // A lost connection rejects the query under way; between queries it would otherwise be an uncaught 'error' event.
  client.on('error', () => undefined);
  const session = new PgSession(client, target.dialect, limits);
  try {
    await client.connect();
    for (const setting of sessionSettings(target.dialect, limits)) await client.query(setting);
  } catch (thrown) {
    await session.close();
    const error = warehouseError(thrown, `cannot open a session at ${target.host}:${target.port}/${target.database}`);
    if (error instanceof WarehouseError && error.fault === 'login') login.forget();
    throw error;
  }
  return session;
}

class PgSession implements Session {
  readonly dialect: Dialect;
  readonly limits: SessionLimits;
  readonly #client: pg.Client;

  constructor(client: pg.Client, dialect: Dialect, limits: SessionLimits) {
    this.#client = client;
    this.dialect = dialect;
    this.limits = limits;
  }

  async query(sql: string): Promise<Result> {
    try {
      const result = await this.#client.query<Record<string, unknown>>(sql);
      return { rows: result.rows, affected: result.rowCount ?? 0, command: result.command };
    } catch (thrown) {
      throw warehouseError(thrown, firstWords(sql));
    }
  }

  async copyIn(sql: string, chunks: AsyncIterable<Buffer>): Promise<void> {
    try {
      const signal = AbortSignal.timeout(this.limits.statementMs + answerGraceMs);
      await pipeline(Readable.from(chunks), this.#client.query(copyFrom(sql)), { signal });
    } catch (thrown) {
      throw warehouseError(thrown, firstWords(sql));
    }
  }

  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, closeMs);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
    // A peer that does not answer must not keep the process: the server rolls back when the socket goes.
    this.#client.connection.stream.destroy();
  }
}

const firstWords = (sql: string): string => sql.replace(/\s+/g, ' ').split(' ', 4).join(' ');
