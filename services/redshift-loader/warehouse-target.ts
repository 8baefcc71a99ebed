import type { ObjectStore } from '../lib/objects/object-store.ts';
import { type Config, isLoopbackUrl } from '../lib/process/config.ts';
import { PlatformError } from '../lib/process/errors.ts';
import { postgresCopier, redshiftCopier, type StageCopier } from '../lib/warehouse/copy.ts';
import { type Database, openDatabase } from '../lib/warehouse/database.ts';
import type { redshiftLoader } from './service.ts';

export type LoaderConfig = Config<typeof redshiftLoader.config>;

/** The warehouse of WAREHOUSE_URL. Throws CONFIG_INVALID; in local mode for anything that is not loopback. */
export function warehouseOf(config: LoaderConfig): Database {
  if (config.LOCAL_MODE && !isLoopbackUrl(config.WAREHOUSE_URL)) {
    throw new PlatformError('CONFIG_INVALID', 'WAREHOUSE_URL: expected a loopback URL, since LOCAL_MODE is true');
  }
  return openDatabase(config.WAREHOUSE_URL);
}

export function copierOf(config: LoaderConfig, database: Database, objects: ObjectStore, newId: () => string): StageCopier {
  if (database.dialect === 'postgres') return postgresCopier(objects);
  const role = config.WAREHOUSE_COPY_ROLE_ARN;
  if (role === undefined)
    throw new PlatformError('CONFIG_INVALID', 'WAREHOUSE_COPY_ROLE_ARN is not set: Redshift reads its stage under it');
  return redshiftCopier(objects, config.OBJECTS_URL, role, newId);
}
