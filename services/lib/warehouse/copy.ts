import { createHash } from 'node:crypto';
import { createGunzip } from 'node:zlib';
import type { ObjectStore } from '../objects/object-store.ts';
import { ensureError, isPlatformError, PlatformError } from '../process/errors.ts';
import type { Database, Session } from './database.ts';
import { findRedshiftRefusal, pointsAtLoadErrors, postgresRefusal, type Refusal } from './refusal.ts';
import { literal } from './sql.ts';

/** Manifests of loads under way. */
export const manifestPrefix = 'stage/manifest/';

/** A CSV.gz object of the stage as it was registered. */
export interface StagedObject {
  readonly key: string;
  /** Compressed bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** An object whose content is not what was registered; `key` says which, so that its shard can be left out. */
export class StagedObjectError extends PlatformError {
  readonly key: string;

  constructor(key: string, message: string, cause?: unknown) {
    super('WAREHOUSE_MISMATCH', `${key}: ${message}`, { cause });
    this.key = key;
  }
}

/** The warehouse refuses a line of one of several objects; which, only `StageCopier.refusal` can say. */
export class CopyRefusedError extends PlatformError {
  constructor(cause: Error) {
    super('WAREHOUSE_MISMATCH', `COPY met a line that the warehouse refuses: ${cause.message}`, { cause });
  }
}

/** Loads staged objects into a scratch table. */
export interface StageCopier {
  /** Rejects with StagedObjectError when an object is not what was registered or holds what the warehouse refuses, else CopyRefusedError. */
  copy(session: Session, table: string, columns: readonly string[], objects: readonly StagedObject[]): Promise<void>;
  /** Which line made `copy` reject with this error; undefined when nothing tells. May take a while; the failed session must be closed. */
  refusal(error: unknown, objects: readonly StagedObject[]): Promise<Refusal | undefined>;
}

/** Postgres: the loader reads the objects itself and streams them through `COPY … FROM STDIN`, one object at a time. */
export function postgresCopier(store: ObjectStore): StageCopier {
  return {
    async copy(session, table, columns, objects) {
      const sql = `COPY ${table} (${columns.join(', ')}) FROM STDIN WITH (FORMAT csv, NULL '\\N')`;
      for (const object of objects) {
        const body = await readStagedObject(store, object);
        try {
          await session.copyIn(sql, gunzipped(body));
        } catch (cause) {
          const refused = postgresRefusal(object.key, cause) !== undefined && !(isPlatformError(cause) && cause.retriable);
          if (!refused && !isPlatformError(cause, 'WAREHOUSE_MISMATCH')) throw cause;
          throw new StagedObjectError(object.key, 'the warehouse refuses its content', cause);
        }
      }
    },
    refusal: async (error) => (error instanceof StagedObjectError ? postgresRefusal(error.key, error) : undefined),
  };
}

/** Rejects with StagedObjectError when it is missing or not what was registered. */
export async function readStagedObject(store: Pick<ObjectStore, 'read'>, object: StagedObject): Promise<Buffer> {
  let body: Buffer;
  try {
    body = await store.read(object.key);
  } catch (cause) {
    if (isPlatformError(cause, 'OBJECT_MISSING') || isPlatformError(cause, 'OBJECT_CORRUPT')) {
      throw new StagedObjectError(object.key, cause.message, cause);
    }
    throw cause;
  }
  const sha256 = createHash('sha256').update(body).digest('hex');
  if (sha256 !== object.sha256) throw new StagedObjectError(object.key, `SHA-256 is ${sha256}, registered was ${object.sha256}`);
  return body;
}

async function* gunzipped(body: Buffer): AsyncIterable<Buffer> {
  const gunzip = createGunzip();
  gunzip.end(body);
  for await (const chunk of gunzip) yield chunk as Buffer;
}

/**
 * Redshift: one COPY of all objects by manifest, read by the cluster itself under `roleArn`. MAXERROR stays 0: no row may vanish.
 * The text is unit-tested and follows the developer guide; it has not run against a Redshift.
 */
export function redshiftCopier(
  store: ObjectStore,
  storeUrl: string,
  roleArn: string,
  tools: { readonly newId: () => string; readonly database: Database; readonly pause: (ms: number) => Promise<unknown> },
): StageCopier {
  if (!storeUrl.startsWith('s3://')) throw new PlatformError('CONFIG_INVALID', `Redshift reads its stage from s3://, not from ${storeUrl}`);
  const base = storeUrl.replace(/\/+$/, '');
  return {
    async copy(session, table, columns, objects) {
      const key = `${manifestPrefix}${tools.newId()}.json`;
      const body = JSON.stringify(redshiftManifest(base, objects));
      await store.create(key, Buffer.from(body), 'application/json');
      try {
        await session.query(redshiftCopySql(table, columns, `${base}/${key}`, roleArn));
      } catch (thrown) {
        const error = ensureError(thrown);
        throw pointsAtLoadErrors(error.message) ? new CopyRefusedError(error) : error;
      } finally {
        // What is left of a manifest is swept by its age.
        await store.delete(key).catch(() => undefined);
      }
    },
    refusal: async (error, objects) => (error instanceof CopyRefusedError ? findRedshiftRefusal(tools, base, objects) : undefined),
  };
}

/** COPY fails when an entry is missing (`mandatory`) or has another length than was registered. */
export function redshiftManifest(base: string, objects: readonly StagedObject[]): object {
  return {
    entries: objects.map(({ key, size }) => ({ url: `${base}/${key}`, mandatory: true, meta: { content_length: size } })),
  };
}

export function redshiftCopySql(table: string, columns: readonly string[], manifestUrl: string, roleArn: string): string {
  // NULL AS '\N' is the default and needs no backslash in a literal, whose escaping depends on a server setting.
  return (
    `COPY ${table} (${columns.join(', ')}) FROM ${literal(manifestUrl)} IAM_ROLE ${literal(roleArn)} MANIFEST ` +
    "CSV GZIP TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF"
  );
}
