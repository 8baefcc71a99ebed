import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import os from 'node:os';
import { createInterface } from 'node:readline';

export interface LogLine {
  readonly event?: string;
  readonly level?: string;
  readonly logger?: string;
  readonly port?: number;
  readonly cause?: string;
  readonly msg?: string;
}

export interface Health {
  readonly healthy: boolean;
  readonly state: string;
  readonly daemon: { readonly pid: number | null; readonly generation: number };
  readonly children: readonly { readonly pid: number; readonly shard: string | null }[];
}

/** One launcher process. */
export class Recorder {
  readonly startedAt = Date.now();
  readonly process: ChildProcess;
  readonly log: LogLine[] = [];
  /** Lines of stdout that are not one JSON object each. */
  readonly strayLines: string[] = [];
  readonly exited: Promise<{ code: number | null; signal: string | null }>;

  constructor(main: string, env: Record<string, string>) {
    this.process = spawn(process.execPath, [main], { env, cwd: os.tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit').then(([code, signal]: (number | string | null)[]) => ({
      code: code as number | null,
      signal: signal as string | null,
    }));
    for (const output of [this.process.stdout, this.process.stderr]) {
      if (output !== null) createInterface({ input: output }).on('line', (line) => this.#read(line));
    }
  }

  async health(): Promise<Health | undefined> {
    const port = this.#port();
    return port === undefined ? undefined : ((await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as Health);
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#port()}/metrics`)).text();
  }

  /** SIGTERM, and how the launcher ended. */
  stop(): Promise<{ code: number | null; signal: string | null }> {
    this.process.kill('SIGTERM');
    return this.exited;
  }

  /** For the end of a test that may have failed. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await this.exited;
  }

  #port = (): number | undefined => this.log.find(({ event }) => event === 'health.listening')?.port;

  #read(line: string): void {
    try {
      this.log.push(JSON.parse(line) as LogLine);
    } catch {
      this.strayLines.push(line);
    }
  }
}
