import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceDefinition } from '../../../services/lib/process/service.ts';
import { type Database, openDatabase } from '../../../services/lib/warehouse/database.ts';
import { prepareWarehouse } from '../../../services/lib/warehouse/prepare.ts';
import { redshiftLoader } from '../../../services/redshift-loader/service.ts';
import { PostgresServer } from '../../local/postgres-server/postgres-server.ts';
import { createResources, type LocalStack, startStack } from '../../local/stack.ts';

const limits = { connectMs: 20_000, statementMs: 900_000, lockMs: 60_000 };

/** A PostgreSQL whose commits wait for the disk, a DynamoDB with the registry, a folder of objects. */
export interface Place {
  readonly stack: LocalStack;
  readonly folder: string;
  /** A new database with the loader's tables. */
  warehouse(name: string): Promise<Database>;
}

export async function withPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-loader-'));
  let server: PostgresServer | undefined;
  let stack: LocalStack | undefined;
  try {
    server = await PostgresServer.start({ folder: join(folder, 'warehouse'), logFile: join(folder, 'postgres.log'), durable: true });
    stack = await startStack({ runDir: folder, parts: ['dynamodb'] });
    await createResources(stack, [registryAlone]);
    const { url } = server;
    const warehouse = async (name: string): Promise<Database> => {
      const session = await openDatabase(url, limits).connect();
      try {
        await session.query(`CREATE DATABASE ${name}`);
      } finally {
        await session.close();
      }
      const database = openDatabase(url.replace(/\/postgres$/, `/${name}`), limits);
      await prepareWarehouse(database, 'UTC');
      return database;
    };
    return await use({ stack, folder, warehouse });
  } finally {
    await stack?.stop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No stream is needed: records are made. */
const { name, summary, runtime, config, tables, actions, size } = redshiftLoader;
const none = { produces: [], topics: [], objects: [] };
const registryAlone: ServiceDefinition = { name, summary, runtime, config, tables, actions, size, ...none };
