import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ManagedProcess, startProcess } from '../local/process/managed-process.ts';
import type { ServiceName } from './flags.ts';
import { descendantsOf, killAll, signalAll } from './process-tree.ts';
import { partsOf, type ServiceParts } from './service-parts.ts';

export type ServiceState = 'waiting' | 'starting' | 'running' | 'paused' | 'killed' | 'stopping' | 'stopped' | 'failed';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const readyTimeoutMs = 30_000;
/** From SIGTERM to SIGKILL; a little more than the service takes for itself (STOP_DEADLINE_MS). */
const stopDeadlineMs = 11_000;
export const serviceStopMs = 9_000;

/** One task of a bundled service, started as its container does: `node main.js` in its folder. */
export class ServiceProcess {
  readonly name: ServiceName;
  /** The service's name, and from the second task on the task's number. */
  readonly id: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #logFile: string;
  readonly #onFailure: (error: Error) => void;
  #process: ManagedProcess | undefined;
  #state: ServiceState = 'waiting';
  #starts = 0;

  constructor(options: {
    readonly name: ServiceName;
    readonly id: string;
    readonly env: Readonly<Record<string, string>>;
    readonly logFile: string;
    /** It ended although nobody asked it to. */
    readonly onFailure: (error: Error) => void;
  }) {
    this.name = options.name;
    this.id = options.id;
    this.#env = options.env;
    this.#logFile = options.logFile;
    this.#onFailure = options.onFailure;
  }

  get state(): ServiceState {
    return this.#state;
  }

  get starts(): number {
    return this.#starts;
  }

  /** Where /healthz and /metrics are; undefined while it does not run, or is paused: then they would tell of the past. */
  get port(): number | undefined {
    const port = this.#state === 'running' ? this.#process?.readyMatch?.[1] : undefined;
    return port === undefined ? undefined : Number(port);
  }

  get parts(): ServiceParts {
    return this.#process === undefined ? { jvm: undefined, children: [] } : partsOf(this.#process.pid);
  }

  /** Resolves when the launcher answers; the daemon takes some seconds more. */
  async start(): Promise<void> {
    this.#state = 'starting';
    this.#starts++;
    const started = await startProcess({
      name: this.id,
      command: process.execPath,
      args: ['main.js'],
      cwd: join(dist, this.name),
      env: this.#env,
      logFile: this.#logFile,
      ready: { stdoutLine: /"event":"health\.listening","port":(\d+)/ },
      readyTimeoutMs,
    });
    this.#process = started;
    this.#state = 'running';
    void started.exited.then(({ code, signal }) => {
      if (this.#process !== started || this.#state !== 'running') return;
      this.#state = 'failed';
      this.#onFailure(new Error(`${this.id} ended by itself (${signal ?? `exit code ${code}`}); its log is ${this.#logFile}`));
    });
  }

  /** kill -9 of the launcher, the daemon and every shard's process, as when a machine is lost. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#state = 'killed';
    const below = descendantsOf(running.pid);
    await Promise.all([running.kill(), killAll([running.pid, ...below])]);
  }

  /** SIGSTOP of the daemon and every shard's process, as of a machine that hangs; the launcher goes on unless it is told of. */
  pause({ launcher = false }: { readonly launcher?: boolean } = {}): void {
    this.#state = 'paused';
    if (launcher && this.#process !== undefined) signalAll([this.#process.pid], 'SIGSTOP');
    this.#signalParts('SIGSTOP');
  }

  resume(): void {
    this.#signalParts('SIGCONT');
    if (this.#process !== undefined) signalAll([this.#process.pid], 'SIGCONT');
    this.#state = 'running';
  }

  #signalParts(name: 'SIGSTOP' | 'SIGCONT'): void {
    const { jvm, children } = this.parts;
    signalAll([...(jvm === undefined ? [] : [jvm]), ...children], name);
  }

  async stop(): Promise<void> {
    if (this.#process === undefined || this.#state === 'killed' || this.#state === 'stopped') return;
    if (this.#state === 'paused') this.resume(); // a signal is kept from who is stopped
    this.#state = 'stopping';
    await this.#process.stop('SIGTERM', stopDeadlineMs);
    this.#state = 'stopped';
  }
}
