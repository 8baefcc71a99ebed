import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectStore } from '../lib/objects/object-store.ts';
import { type Config, isLoopbackUrl } from '../lib/process/config.ts';
import { PlatformError } from '../lib/process/errors.ts';
import { postgresCopier, redshiftCopier, type StageCopier } from '../lib/warehouse/copy.ts';
import { type Database, defaultSessionLimits, openDatabase } from '../lib/warehouse/database.ts';
import { parseTarget } from '../lib/warehouse/target.ts';
import type { redshiftLoader } from './service.ts';

export type LoaderConfig = Config<typeof redshiftLoader.config>;

/** The warehouse of WAREHOUSE_URL. Throws CONFIG_INVALID; in local mode for anything that is not loopback. */
export function warehouseOf(config: LoaderConfig): Database {
  const { WAREHOUSE_URL: url, WAREHOUSE_CA_FILE: caFile, AWS_REGION: region, LOCAL_MODE: local } = config;
  const { login, shown } = parseTarget(url);
  const refuse = (expected: string): never => {
    throw new PlatformError('CONFIG_INVALID', `WAREHOUSE_URL is ${shown}: expected ${expected}`);
  };
  if (local && !isLoopbackUrl(url)) refuse('a loopback URL, since LOCAL_MODE is true');
  if (login.kind === 'workgroup' && local !== (login.endpoint !== undefined)) {
    refuse(
      local
        ? 'an endpoint=http://127.0.0.1:PORT that stands for the API, since LOCAL_MODE is true'
        : 'no endpoint, since LOCAL_MODE is not true',
    );
  }
  return openDatabase(url, defaultSessionLimits, { region, ...(caFile === undefined ? {} : { caFile }) });
}

export function copierOf(config: LoaderConfig, database: Database, objects: ObjectStore, newId: () => string): StageCopier {
  if (database.dialect === 'postgres') return postgresCopier(objects);
  const role = copyRoleOf(config);
  return redshiftCopier(objects, config.OBJECTS_URL, role, { newId, database, pause: sleep });
}

/** What Redshift needs beyond its URL. Throws CONFIG_INVALID. */
export function copyRoleOf({ WAREHOUSE_COPY_ROLE_ARN: role, OBJECTS_URL: objects }: LoaderConfig): string {
  if (role === undefined)
    throw new PlatformError('CONFIG_INVALID', 'WAREHOUSE_COPY_ROLE_ARN is not set: Redshift reads its stage under it');
  if (!objects.startsWith('s3://'))
    throw new PlatformError('CONFIG_INVALID', `OBJECTS_URL is ${objects}: Redshift reads its stage from s3://`);
  return role;
}
