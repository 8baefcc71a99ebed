import { PlatformError } from '../process/errors.ts';
import { type Database, defaultSessionLimits, type Session } from './database.ts';
import type { Dialect } from './ddl.ts';
import { fraudAlertGate, loadGate, type Table } from './model.ts';
import { integerLiteral, literal } from './sql.ts';

const gates = [loadGate, fraudAlertGate].map(({ name }) => literal(name)).join(', ');

/**
 * First statement of every load: one row that any two loads of a kind both write, so that one of them waits and then loses its swap.
 * Rejects with WAREHOUSE_SCHEMA when the row is not there: loads would not exclude each other.
 */
export async function takeGate(session: Session, gate: Table = loadGate): Promise<void> {
  // Redshift has no lock timeout, so there the statement's own bound is that of the wait: with the usual one, which a COPY needs, a dead
  // committer would be noticed five times as late. SET reads no table, so the transaction's snapshot is still that of the UPDATE.
  const { limits = defaultSessionLimits } = session;
  const bound = async (ms: number): Promise<void> => {
    if (session.dialect === 'redshift') await session.query(`SET statement_timeout TO ${integerLiteral(ms)}`);
  };
  await bound(limits.lockMs);
  const { affected } = await session.query(`UPDATE ${gate.name} SET n = n + 1`);
  if (affected !== 1) throw new PlatformError('WAREHOUSE_SCHEMA', `${gate.name} must have one row, it has ${affected}`);
  await bound(limits.statementMs);
}

/** Of whoever only reads, such as a report left open: in both dialects it keeps no load from the gate. All other modes may. */
const readersLock = literal('AccessShareLock');

/**
 * Sessions that hold a gate in an open transaction without running anything for `deadAfterMs`: their committer is gone.
 * The Redshift text follows the documentation of svv_transactions and sys_query_history (which serverless has too), it has not run.
 */
export function deadHoldersSql(dialect: Dialect, deadAfterMs: number): string {
  const seconds = integerLiteral(Math.ceil(deadAfterMs / 1_000));
  if (dialect === 'redshift') {
    return `SELECT DISTINCT t.pid AS pid FROM svv_transactions t JOIN pg_class c ON c.oid = t.relation
      WHERE c.relname IN (${gates}) AND t.granted AND t.lock_mode <> ${readersLock} AND t.pid <> pg_backend_pid()
        AND t.txn_start < DATEADD(second, -${seconds}, GETDATE())
        AND t.pid NOT IN (SELECT session_id FROM sys_query_history
          WHERE status IN ('planning', 'queued', 'running', 'returning') OR end_time > DATEADD(second, -${seconds}, GETDATE()))`;
  }
  return `SELECT DISTINCT a.pid AS pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid JOIN pg_class c ON c.oid = l.relation
    WHERE c.relname IN (${gates}) AND l.granted AND l.mode <> ${readersLock} AND a.pid <> pg_backend_pid()
      AND a.state LIKE 'idle in transaction%' AND a.state_change < NOW() - INTERVAL '${seconds} seconds'`;
}

/**
 * Ends them; returns how many. Call it after a load timed out waiting for the gate. Rejects with the first refusal, after all were
 * tried: one session of a user that may not be ended must not keep the gate taken by another.
 */
export async function endDeadHolders(database: Database, deadAfterMs: number): Promise<number> {
  const session = await database.connect();
  try {
    const { rows } = await session.query(deadHoldersSql(session.dialect, deadAfterMs));
    const refusals: unknown[] = [];
    for (const row of rows) {
      try {
        await session.query(`SELECT pg_terminate_backend(${integerLiteral(Number(row['pid']))})`);
      } catch (error) {
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw refusals[0];
    return rows.length;
  } finally {
    await session.close();
  }
}
