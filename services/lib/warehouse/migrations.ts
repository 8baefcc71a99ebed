import { createHash } from 'node:crypto';
import { PlatformError } from '../process/errors.ts';
import { readTimeZone } from './calendar.ts';
import type { Table } from './columns.ts';
import type { Database, Session } from './database.ts';
import { addColumn, createTable, createView, type Dialect } from './ddl.ts';
import { booking, bookingEvent, fraudAlertGate, loadGate, loadLedger, loadWatermark, quarantine } from './model.ts';
import { reportingTables } from './model-reporting.ts';
import { integerLiteral, literal } from './sql.ts';
import { views } from './views.ts';

/** One step of the schema. What it prints must never change once released: its SHA-256 is stored beside it. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  statements(dialect: Dialect): readonly string[];
}

const addedToLedger = loadLedger.columns.filter((column) => column.name === 'rows_quarantined');
const ledgerOf1: Table = { ...loadLedger, columns: loadLedger.columns.filter((column) => !addedToLedger.includes(column)) };

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'events, bookings and the state of loading',
    statements: (dialect) => [
      ...[bookingEvent, booking, loadGate, loadWatermark, ledgerOf1].flatMap((table) => createTable(table, dialect)),
      'INSERT INTO load_gate (n) VALUES (0)',
    ],
  },
  {
    version: 2,
    name: 'figures per hour, calendar, dimensions, alerts, refused lines',
    statements: (dialect) => [
      ...[quarantine, ...reportingTables].flatMap((table) => createTable(table, dialect)),
      ...addedToLedger.map((column) => addColumn(loadLedger, column, dialect)),
      ...views.flatMap(createView),
    ],
  },
  {
    version: 3,
    name: 'loads of alerts exclude each other',
    statements: (dialect) => [...createTable(fraudAlertGate, dialect), 'INSERT INTO fraud_alert_gate (n) VALUES (0)'],
  },
];

/** What this build needs: the loader refuses to start below it. */
export const schemaVersion = Math.max(...migrations.map((m) => m.version));

export const checksumOf = (migration: Migration, dialect: Dialect): string =>
  createHash('sha256').update(migration.statements(dialect).join(';\n')).digest('hex');

export const historyTable = 'schema_migration';
const createHistory =
  'CREATE TABLE IF NOT EXISTS schema_migration (version INTEGER NOT NULL, name VARCHAR(256) NOT NULL, checksum VARCHAR(64) NOT NULL)';

/**
 * Applies what is missing, each migration in its own transaction under a table lock, so that two migrators take turns.
 * Rejects with WAREHOUSE_SCHEMA when an applied migration differs from this build's, before anything is changed.
 */
export async function migrate(database: Database): Promise<{ readonly applied: readonly number[]; readonly version: number }> {
  const session = await database.connect();
  try {
    await session.query(createHistory);
    const applied: number[] = [];
    for (const migration of migrations) {
      if (await apply(session, migration)) applied.push(migration.version);
    }
    return { applied, version: schemaVersion };
  } finally {
    await session.close();
  }
}

async function apply(session: Session, migration: Migration): Promise<boolean> {
  await session.query('BEGIN');
  await session.query('LOCK TABLE schema_migration');
  const known = checkHistory(await history(session), session.dialect);
  const missing = !known.has(migration.version);
  if (missing) {
    for (const statement of migration.statements(session.dialect)) await session.query(statement);
    const values = [integerLiteral(migration.version), `'${migration.name}'`, literal(checksumOf(migration, session.dialect))];
    await session.query(`INSERT INTO schema_migration (version, name, checksum) VALUES (${values.join(', ')})`);
  }
  await session.query('COMMIT');
  return missing;
}

interface Applied {
  readonly version: number;
  readonly checksum: string;
}

async function history(session: Session): Promise<Applied[]> {
  const { rows } = await session.query('SELECT version, checksum FROM schema_migration ORDER BY version');
  return rows.map((row) => ({ version: Number(row['version']), checksum: String(row['checksum']) }));
}

function checkHistory(applied: readonly Applied[], dialect: Dialect): Set<number> {
  for (const { version, checksum } of applied) {
    const migration = migrations.find((m) => m.version === version);
    // A newer version is fine: formats are readable one version back, so that a rollback works.
    if (migration && checksumOf(migration, dialect) !== checksum) {
      throw new PlatformError('WAREHOUSE_SCHEMA', `migration ${version} was changed after it was applied; restore it and add a new one`);
    }
  }
  return new Set(applied.map((a) => a.version));
}

/**
 * Rejects with WAREHOUSE_SCHEMA when the warehouse stands below what this build needs or has no business calendar,
 * WAREHOUSE_UNAVAILABLE when it does not answer.
 */
export async function requireSchema(session: Session): Promise<void> {
  const applied = await history(session);
  checkHistory(applied, session.dialect);
  const version = Math.max(0, ...applied.map((a) => a.version));
  if (version < schemaVersion) {
    throw new PlatformError(
      'WAREHOUSE_SCHEMA',
      `the warehouse has schema version ${version}, this build needs ${schemaVersion}; apply the migrations`,
    );
  }
  if ((await readTimeZone(session)) === undefined) {
    throw new PlatformError('WAREHOUSE_SCHEMA', 'the warehouse has no business time zone yet; apply the migrations, which set it');
  }
}
