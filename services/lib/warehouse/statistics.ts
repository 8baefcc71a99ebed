import type { Session } from './database.ts';

/**
 * Redshift analyzes by itself; Postgres leaves it to a daemon that PGlite lacks and that never sees temporary tables. Without statistics a
 * join of two times 10,000 rows was planned as nested scans: 14 s in place of 0.1 s.
 */
export async function refreshStatistics(session: Session, tables: readonly string[]): Promise<void> {
  if (session.dialect === 'postgres') for (const table of tables) await session.query(`ANALYZE ${table}`);
}
