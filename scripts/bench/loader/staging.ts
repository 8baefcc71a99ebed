import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundling } from '../../setup/bundles.mjs';
import type { StepTimes } from './steps.ts';

/** What the shards' process is told on its command line, as JSON. */
export interface StagingJob {
  readonly seed: number;
  readonly shards: number;
  readonly eventsPerShard: number;
  readonly objectsUrl: string;
  /** Environment of the local DynamoDB. */
  readonly environment: Readonly<Record<string, string>>;
  readonly streamId: string;
}

export interface Staged {
  readonly times: StepTimes;
  readonly wallMs: number;
}

/** Bundled as a service is. */
export async function stagingProgram(folder: string): Promise<string> {
  const outfile = join(folder, 'staging.mjs');
  await build({ ...bundling, entryPoints: [fileURLToPath(new URL('staging-process.ts', import.meta.url))], outfile });
  return outfile;
}

/** The shards of a loader in a process of their own. It has made its records when this resolves. */
export async function prepareStaging(program: string, job: StagingJob, signal: AbortSignal): Promise<{ run(): Promise<Staged> }> {
  const child = fork(program, [JSON.stringify(job)], { execArgv: [], signal });
  const ended = new AbortController();
  child.once('exit', () => ended.abort(new Error('the shards ended by themselves')));
  child.once('error', (error) => ended.abort(error));
  const heard = AbortSignal.any([signal, ended.signal]);
  await once(child, 'message', { signal: heard });
  return {
    async run() {
      child.send('go');
      const [staged] = (await once(child, 'message', { signal: heard })) as [Staged];
      child.disconnect();
      return staged;
    },
  };
}
