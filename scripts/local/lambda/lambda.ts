import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ManagedProcess, startProcess } from '../process/managed-process.ts';
import type { InvocationResult } from '../sns/subscription.ts';

const runner = fileURLToPath(new URL('runner.mjs', import.meta.url));
const dist = fileURLToPath(new URL('../../../dist/', import.meta.url));
const readyTimeoutMs = 30_000;

export interface LambdaOptions {
  /** Of the service: dist/<name>/main.js is run. */
  readonly name: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly timeoutSeconds: number;
}

export interface LocalLambda {
  readonly process: ManagedProcess;
  readonly invoke: (event: object) => Promise<InvocationResult>;
}

/** A bundled function in a process of its own. Rejects with StartFailure. */
export async function startLambda({ name, env, logFile, timeoutSeconds }: LambdaOptions): Promise<LocalLambda> {
  const started = await startProcess({
    name,
    command: process.execPath,
    args: [runner, 'main.js', String(timeoutSeconds * 1_000)],
    cwd: join(dist, name),
    env,
    logFile,
    ready: { stdoutLine: /^\{"event":"lambda\.listening","port":(\d+)\}$/ },
    readyTimeoutMs,
  });
  const url = `http://127.0.0.1:${started.readyMatch?.[1]}/2015-03-31/functions/function/invocations`;
  return {
    process: started,
    invoke: async (event) => {
      try {
        const answer = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
        if (!answer.ok) return { kind: 'error', message: `the runner answered ${answer.status}` };
        if (answer.headers.get('x-amz-function-error') === null) return { kind: 'done' };
        const { errorMessage } = (await answer.json()) as { errorMessage: string };
        return { kind: 'error', message: errorMessage };
      } catch {
        return { kind: 'unavailable' }; // it runs no more
      }
    },
  };
}
