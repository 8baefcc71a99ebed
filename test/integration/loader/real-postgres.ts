import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManagedProcess, startProcess } from '../../../scripts/local/process/managed-process.ts';
import { openDatabase } from '../../../services/lib/warehouse/database.ts';
import { postgresFolder } from '../../support/optional.ts';

export interface RealPostgres {
  readonly url: string;
  stop(): Promise<void>;
}

const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8' };

/** A PostgreSQL of the machine, on loopback with a folder of its own. It refuses to run as root, so root hands it to `nobody`. */
export async function startRealPostgres(): Promise<RealPostgres> {
  const bin = postgresFolder() ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  const asNobody = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
  if (asNobody.length > 0) chownSync(folder, 65_534, 65_534);
  const data = join(folder, 'data');
  const [initdb, ...initdbArgs] = [
    ...asNobody,
    join(bin, 'initdb'),
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-sync',
  ];
  execFileSync(initdb, initdbArgs, { env, cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const settings = ['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'fsync=off', 'max_connections=40'];
  const [command = '', ...args] = [...asNobody, join(bin, 'postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])];
  const server: ManagedProcess = await startProcess({
    name: 'PostgreSQL',
    command,
    args,
    env,
    cwd: folder,
    logFile: join(folder, 'log'),
    ready: () => answers(url),
    readyTimeoutMs: 30_000,
  });
  return {
    url,
    async stop() {
      await server.stop('SIGINT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await openDatabase(url).connect()).close();
    return true;
  } catch {
    return false;
  }
}
