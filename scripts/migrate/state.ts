import { isPlatformError } from '../../services/lib/process/errors.ts';
import { readTimeZone } from '../../services/lib/warehouse/calendar.ts';
import type { Row, Session } from '../../services/lib/warehouse/database.ts';
import { checksumOf, type Migration, migrations } from '../../services/lib/warehouse/migrations.ts';

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  /** `newer`: this build does not know it. `changed`: this build's is another one. */
  readonly state: 'same' | 'newer' | 'changed';
}

/** Where a warehouse stands; read without changing anything. */
export interface SchemaState {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly Migration[];
  readonly timeZone: string | undefined;
}

export async function readState(session: Session): Promise<SchemaState> {
  const rows = await orNothing(session.query('SELECT version, name, checksum FROM schema_migration ORDER BY version').then((r) => r.rows));
  const applied = (rows ?? []).map((row) => stateOf(row, session));
  const known = new Set(applied.map(({ version }) => version));
  return {
    applied,
    pending: migrations.filter(({ version }) => !known.has(version)),
    timeZone: await orNothing(readTimeZone(session)),
  };
}

function stateOf(row: Row, { dialect }: Session): AppliedMigration {
  const version = Number(row['version']);
  const ours = migrations.find((migration) => migration.version === version);
  const same = ours !== undefined && checksumOf(ours, dialect) === row['checksum'];
  return { version, name: String(row['name']), state: ours === undefined ? 'newer' : same ? 'same' : 'changed' };
}

/** A table that no migration has made yet. */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isPlatformError(error, 'WAREHOUSE_SCHEMA')) return undefined;
    throw error;
  }
}
