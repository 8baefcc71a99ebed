import type { Session } from './database.ts';
import { warehouseFault } from './pg-errors.ts';
import { literal } from './sql.ts';

/** What the loader's user may do, and needs to. The migrations are another user's. */
export const loaderRights: Readonly<Record<string, readonly string[]>> = {
  schema_migration: ['select'],
  warehouse_setting: ['select'],
  load_gate: ['select', 'update'],
  load_watermark: ['select', 'insert', 'update'],
  load_ledger: ['select', 'insert'],
  booking_event: ['select', 'insert'],
  booking: ['select', 'insert', 'delete'],
  kpi_hourly: ['select', 'insert', 'update'],
  business_day_switch: ['select'],
  dim_tour: ['select', 'insert'],
  fraud_alert: ['select', 'insert', 'delete'],
  fraud_alert_gate: ['select', 'update'],
  quarantine: ['select', 'insert'],
  warehouse_check: ['select', 'insert'],
};

/** For whoever sets the warehouse up; `user` is such as IAMR:loader, the name that GetCredentials gives. */
export const loaderGrants = (user: string): string[] =>
  Object.entries(loaderRights).map(([table, rights]) => `GRANT ${rights.join(', ').toUpperCase()} ON ${table} TO "${user}"`);

/**
 * Rejects with WAREHOUSE_REFUSED when the session's user lacks a right, with the statement that grants it; with WAREHOUSE_SCHEMA
 * when a table is missing. has_table_privilege is in both dialects (RDG r_HAS_TABLE_PRIVILEGE.md).
 */
export async function requireRights(session: Session): Promise<void> {
  const needed = Object.entries(loaderRights).flatMap(([table, rights]) => rights.map((right) => ({ table, right })));
  const asked = needed.map(({ table, right }, i) => `has_table_privilege(${literal(table)}, ${literal(right)}) AS r${i}`);
  const { rows } = await session.query(`SELECT current_user AS name, ${asked.join(', ')}`);
  const [row] = rows;
  const missing = needed.filter((_, i) => row?.[`r${i}`] !== true);
  if (missing.length === 0) return;
  const user = String(row?.['name']);
  const tables = new Set(missing.map(({ table }) => table));
  const grants = [...tables].map(
    (table) => `GRANT ${missing.flatMap((m) => (m.table === table ? m.right.toUpperCase() : [])).join(', ')} ON ${table} TO "${user}"`,
  );
  const what = missing.map(({ table, right }) => `${right} on ${table}`).join(', ');
  throw warehouseFault('right', `user ${user} lacks ${what}`, undefined, grants.join('; '));
}
