import { PGlite } from '@electric-sql/pglite';
import { applyCalendar } from '../../services/lib/warehouse/calendar.ts';
import type { Database, Session } from '../../services/lib/warehouse/database.ts';
import { migrate } from '../../services/lib/warehouse/migrations.ts';
import { warehouseError } from '../../services/lib/warehouse/pg-errors.ts';

export interface PGliteWarehouse {
  readonly db: PGlite;
  readonly database: Database;
}

/** PGlite in process, empty: the real statements, without a socket. One session can be in a transaction at a time. */
export async function openEmptyPGlite(): Promise<PGliteWarehouse> {
  const db = await PGlite.create();
  return { db, database: { dialect: 'postgres', connect: async () => pgliteSession(db) } };
}

/** Migrated, its business days those of `timeZone`. */
export async function openPGliteWarehouse(timeZone = 'UTC'): Promise<PGliteWarehouse> {
  const warehouse = await openEmptyPGlite();
  await migrate(warehouse.database);
  await applyCalendar(warehouse.database, timeZone);
  return warehouse;
}

function pgliteSession(db: PGlite): Session {
  let open = false;
  return {
    dialect: 'postgres',
    async query(sql) {
      if (sql === 'BEGIN') open = true;
      try {
        const result = await db.query<Record<string, unknown>>(sql);
        return { rows: result.rows, affected: result.affectedRows ?? 0, command: sql.split(/\s/, 1)[0] ?? '' };
      } catch (error) {
        throw warehouseError(error, sql.slice(0, 40));
      } finally {
        if (sql === 'COMMIT' || sql === 'ROLLBACK') open = false;
      }
    },
    async copyIn(sql, chunks) {
      const parts: Buffer[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const blob = new Blob([Buffer.concat(parts)]);
      await db.query(sql.replace('FROM STDIN', "FROM '/dev/blob'"), [], { blob });
    },
    async close() {
      if (open) await db.exec('ROLLBACK');
      open = false;
    },
  };
}
