import type { Session } from './database.ts';

/**
 * Redshift analyzes by itself; Postgres leaves it to a daemon that PGlite lacks and that never sees temporary tables. Without statistics a
 * join of two times 10,000 rows was planned as nested scans: 14 s in place of 0.1 s.
 */
export async function refreshStatistics(session: Session, tables: readonly string[]): Promise<void> {
  if (session.dialect === 'postgres') for (const table of tables) await session.query(`ANALYZE ${table}`);
}

/**
 * For one transaction, by what was measured on batches of 100,000 rows: 64 MB sort and hash them without a file; a sample for 20 in place of
 * 100 histogram bounds is a fifth, and no plan is another one; to compile a statement that runs once took longer than to run it.
 */
export async function tune(session: Session): Promise<void> {
  if (session.dialect !== 'postgres') return;
  await session.query("SET LOCAL work_mem TO '64MB'");
  await session.query('SET LOCAL default_statistics_target TO 20');
  await session.query('SET LOCAL jit TO off');
}
