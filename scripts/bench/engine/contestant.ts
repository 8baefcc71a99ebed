import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundling } from '../../setup/bundles.mjs';

export type Side = 'engine' | 'plain';

/** The next so many events: parsed before, or as documents that are parsed within the time taken. */
export interface Ask {
  readonly events: number;
  readonly as: 'parsed' | 'documents';
}

export interface Answer {
  /** Of all cores. */
  readonly seconds: number;
  readonly told: readonly string[];
}

/** The program of a contestant, bundled as a service is: what runs sources as they are makes them about a tenth slower. */
export async function withProgram<T>(use: (program: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'contest-'));
  try {
    const outfile = join(folder, 'contestant.mjs');
    await build({ ...bundling, entryPoints: [fileURLToPath(new URL('contestant-process.ts', import.meta.url))], outfile });
    return await use(outfile);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One side of a contest, in a process of its own: it hears its own traffic, and no other's garbage is collected in its time. */
export class Contestant {
  readonly #process: ChildProcess;

  constructor(program: string, contest: string, side: Side, seed: number) {
    this.#process = fork(program, [contest, side, String(seed)], { execArgv: [] });
  }

  async ask(ask: Ask, signal: AbortSignal): Promise<Answer> {
    const ended = new AbortController();
    const end = (): void => ended.abort(new Error('a contestant ended by itself'));
    this.#process.once('exit', end);
    try {
      this.#process.send(ask);
      const [answer] = (await once(this.#process, 'message', { signal: AbortSignal.any([signal, ended.signal]) })) as [Answer];
      return answer;
    } finally {
      this.#process.off('exit', end);
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill();
    await exited;
  }
}
