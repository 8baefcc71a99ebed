import { ensureError, isPlatformError } from '../lib/process/errors.ts';
import { schemaVersion } from '../lib/warehouse/migrations.ts';
import { WarehouseError, type WarehouseFault } from '../lib/warehouse/pg-errors.ts';
import { parseTarget } from '../lib/warehouse/target.ts';
import type { LoaderConfig } from './warehouse-target.ts';

/** Why the loader does not start, for whoever reads the log. */
export interface StartProblem {
  readonly code: string;
  /** The key of the configuration to look at. */
  readonly key: string;
  /** Without any secret. */
  readonly value: string;
  readonly expected: string;
  readonly remedy: string;
}

const migrateRemedy = 'npm run migrate -- --stage STAGE --yes, before the loader is deployed';

const expectations: Readonly<Partial<Record<WarehouseFault, string>>> = {
  host: 'a host that a name server knows',
  certificate: 'TLS, with a certificate of a trusted authority that is valid now and for this host',
  login: 'a login that the warehouse accepts',
  database: 'a database that is there',
  right: 'a user with the rights to load',
  schema: `the tables of schema version ${schemaVersion}`,
  'copy-role': 'a role that the warehouse can take on and that may read the stage',
};

/** Undefined: the configuration itself is invalid, and the error lists key, value and what was expected. */
export function startProblem(thrown: unknown, config: LoaderConfig): StartProblem | undefined {
  const error = ensureError(thrown);
  if (!isPlatformError(error) || error.code === 'CONFIG_INVALID') return undefined;
  const fault = error instanceof WarehouseError ? error.fault : error.code === 'WAREHOUSE_SCHEMA' ? 'schema' : undefined;
  const ofRole = fault === 'copy-role';
  return {
    code: error.code,
    key: ofRole ? 'WAREHOUSE_COPY_ROLE_ARN' : 'WAREHOUSE_URL',
    value: ofRole ? (config.WAREHOUSE_COPY_ROLE_ARN ?? '') : parseTarget(config.WAREHOUSE_URL).shown,
    expected: (fault && expectations[fault]) ?? 'a warehouse that can be loaded',
    remedy: fault === 'schema' ? migrateRemedy : error instanceof WarehouseError ? error.remedy : 'see the error',
  };
}
