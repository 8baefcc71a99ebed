import { PlatformError } from '../process/errors.ts';
import type { Database, Session } from './database.ts';
import type { Dialect } from './ddl.ts';
import { integerLiteral } from './sql.ts';

/**
 * First statement of every load: one row that any two loads both write, so that one of them waits and then loses its swap.
 * Rejects with WAREHOUSE_SCHEMA when the row is not there: loads would not exclude each other.
 */
export async function takeGate(session: Session): Promise<void> {
  const { affected } = await session.query('UPDATE load_gate SET n = n + 1');
  if (affected !== 1) throw new PlatformError('WAREHOUSE_SCHEMA', `load_gate must have one row, it has ${affected}`);
}

/**
 * Sessions that hold the gate in an open transaction without running anything for `deadAfterMs`: their committer is gone.
 * The Redshift text has been checked against the documentation of svv_transactions and stv_inflight, not run.
 */
export function deadHoldersSql(dialect: Dialect, deadAfterMs: number): string {
  const seconds = integerLiteral(Math.ceil(deadAfterMs / 1_000));
  if (dialect === 'redshift') {
    return `SELECT DISTINCT t.pid AS pid FROM svv_transactions t JOIN pg_class c ON c.oid = t.relation
      WHERE c.relname = 'load_gate' AND t.granted AND t.pid <> pg_backend_pid()
        AND t.txn_start < DATEADD(second, -${seconds}, GETDATE())
        AND t.pid NOT IN (SELECT pid FROM stv_inflight)`;
  }
  return `SELECT DISTINCT a.pid AS pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid JOIN pg_class c ON c.oid = l.relation
    WHERE c.relname = 'load_gate' AND l.granted AND a.pid <> pg_backend_pid()
      AND a.state LIKE 'idle in transaction%' AND a.state_change < NOW() - INTERVAL '${seconds} seconds'`;
}

/** Ends them; returns how many. Call it after a load timed out waiting for the gate. */
export async function endDeadHolders(database: Database, deadAfterMs: number): Promise<number> {
  const session = await database.connect();
  try {
    const { rows } = await session.query(deadHoldersSql(session.dialect, deadAfterMs));
    for (const row of rows) await session.query(`SELECT pg_terminate_backend(${integerLiteral(Number(row['pid']))})`);
    return rows.length;
  } finally {
    await session.close();
  }
}
