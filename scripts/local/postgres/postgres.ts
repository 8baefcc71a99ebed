import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ManagedProcess, startProcess } from '../process/managed-process.ts';

const server = fileURLToPath(new URL('server.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const cacheDir = join(root, '.run', 'cache');
const readyTimeoutMs = 60_000;

export interface PostgresOptions {
  /** Never in memory: there COPY slows down with the size of its table. */
  readonly dataDir: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** @default 0: any free port */
  readonly port?: number;
}

/** PGlite with a data folder behind the Postgres wire protocol, on loopback. Rejects with StartFailure. */
export async function startPostgres(options: PostgresOptions): Promise<{ url: string; process: ManagedProcess }> {
  mkdirSync(options.dataDir, { recursive: true });
  const started = await startProcess({
    name: 'Postgres',
    command: process.execPath,
    args: ['--import', 'tsx', server, options.dataDir, cacheDir, String(options.port ?? 0)],
    env: options.env,
    cwd: root,
    logFile: options.logFile,
    ready: { stdoutLine: /^\{"type":"ready","url":"(postgres:[^"]+)"\}$/ },
    readyTimeoutMs,
  });
  return { url: started.readyMatch?.[1] ?? '', process: started };
}
