import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../../services/lib/warehouse/database.ts';
import { type ManagedProcess, StartFailure, startProcess } from '../process/managed-process.ts';
import { lastingPort } from './free-port.ts';
import { postgresFolder, postgresRemedy } from './installation.ts';

const readyTimeoutMs = 30_000;
const stopDeadlineMs = 20_000;
const maxConnections = 40;
/** `nobody`: PostgreSQL refuses to run as root. */
const nobody = 65_534;
const searchByOthers = 0o001;

export interface PostgresServerOptions {
  /** Its own folder, made when it is not there; as root, whoever may look into the folder above it may do so too afterwards (o+x). */
  readonly folder: string;
  readonly logFile: string;
  /** Whether a commit waits for the disk. What a process leaves behind, killed or not, is safe without that. @default false */
  readonly durable?: boolean;
}

const env = { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', LANG: 'C.UTF-8' };

/** A real PostgreSQL of this machine on loopback, which may go away and come back under the same URL with all that it held. */
export class PostgresServer {
  readonly url: string;
  readonly #options: PostgresServerOptions;
  readonly #port: number;
  #process: ManagedProcess | undefined;

  /** Rejects with StartFailure, also when none is installed. */
  static async start(options: PostgresServerOptions): Promise<PostgresServer> {
    const server = new PostgresServer(options, await lastingPort());
    await server.start();
    return server;
  }

  private constructor(options: PostgresServerOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  }

  /** The one that runs. */
  get process(): ManagedProcess | undefined {
    return this.#process;
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const { folder, logFile, durable = false } = this.#options;
    const program = (name: string): string => join(installed(), name);
    const data = join(folder, 'data');
    if (!existsSync(data)) {
      prepareFolder(folder);
      const made = [program('initdb'), '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
      runInitdb([...asNobody(), ...made], folder);
    }
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${this.#port}`,
      'unix_socket_directories=',
      `fsync=${durable ? 'on' : 'off'}`,
      `max_connections=${maxConnections}`,
    ];
    const [command = '', ...args] = [...asNobody(), program('postgres'), '-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    this.#process = await startProcess({
      name: 'PostgreSQL',
      command,
      args,
      env,
      cwd: folder,
      logFile,
      ready: () => answers(this.url),
      readyTimeoutMs,
    });
  }

  /** `fast`: sessions are ended, all is written. `immediate`: as in a crash, the next start recovers from the log. */
  async stop(how: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#process?.stop(how === 'fast' ? 'SIGINT' : 'SIGQUIT', stopDeadlineMs);
    this.#process = undefined;
  }
}

function installed(): string {
  const folder = postgresFolder();
  if (folder === undefined) throw new StartFailure(`PostgreSQL: neither on PATH nor under /usr/lib/postgresql; ${postgresRemedy}`);
  return folder;
}

const isRoot = (): boolean => process.getuid?.() === 0;

const asNobody = (): string[] => (isRoot() ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : []);

function prepareFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  if (!isRoot()) return;
  chownSync(folder, nobody, nobody);
  const above = join(folder, '..');
  chmodSync(above, statSync(above).mode | searchByOthers);
}

function runInitdb([command = '', ...args]: readonly string[], folder: string): void {
  try {
    execFileSync(command, args, { env, cwd: folder, stdio: 'pipe' });
  } catch (cause) {
    const said = (cause as { readonly stderr?: Buffer }).stderr?.toString() ?? '';
    throw new StartFailure(`PostgreSQL: initdb failed in ${folder}: ${said}`, { cause });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await openDatabase(url).connect()).close();
    return true;
  } catch {
    return false;
  }
}
