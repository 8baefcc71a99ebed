import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PostgresServer } from '../../../scripts/local/postgres-server/postgres-server.ts';

export interface RealPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** A PostgreSQL of the machine with a folder of its own. */
export async function startRealPostgres(): Promise<RealPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const server = await PostgresServer.start({ folder: join(folder, 'server'), logFile: join(folder, 'log') });
  return {
    url: server.url,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
