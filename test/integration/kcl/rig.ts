import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateStreamCommand, DescribeStreamSummaryCommand, PutRecordsCommand, UpdateShardCountCommand } from '@aws-sdk/client-kinesis';
import { build } from 'esbuild';
import { startKinesis } from '../../../scripts/local/kinesis/server.ts';
import { startStack } from '../../../scripts/local/stack.ts';
import { awsConfig, kinesisClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';

/** One line of the recorder's evidence. */
export interface Entry {
  readonly at: number;
  readonly pid: number;
  readonly shard: string;
  readonly event: 'initialize' | 'record' | 'shardEnded' | 'shutdownRequested' | 'leaseLost';
  readonly key?: string;
  readonly value?: string;
}

export interface LogLine {
  readonly event?: string;
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

const pollMs = 100;

/** The recorder as it runs in a container, one bundle started by Node, on a local Kinesis and DynamoDB. */
export async function startRig() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kcl-it-'));
  const evidence = path.join(folder, 'evidence.ndjson');
  const bundle = path.join(folder, 'recorder', 'main.mjs');
  mkdirSync(path.dirname(bundle));
  const banner = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";
  const [kinesis, stack] = await Promise.all([
    startKinesis({ limits: false, maxBytes: 64 * 1024 * 1024 }),
    startStack({ runDir: folder, parts: ['dynamodb'] }),
    build({
      entryPoints: [fileURLToPath(new URL('recorder.ts', import.meta.url))],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      banner: { js: banner },
      logLevel: 'warning',
    }),
  ]);
  const environment = { ...stack.environment(), KINESIS_ENDPOINT: kinesis.endpoint, EVIDENCE: evidence, WORKER_ID: 'worker-1' };
  const client = kinesisClient(loadConfig(awsConfig, environment));
  const StreamName = 'recorded';
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: 2 }));

  const awaitActive = async (): Promise<void> => {
    for (;;) {
      const { StreamDescriptionSummary: stream } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
      if (stream?.StreamStatus === 'ACTIVE') return;
      await delay(pollMs);
    }
  };
  await awaitActive();

  let put = 0;
  const entries = (): Entry[] =>
    existsSync(evidence)
      ? readFileSync(evidence, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Entry)
      : [];
  const records = (): Entry[] => entries().filter(({ event }) => event === 'record');

  return {
    entries,
    records,
    /** Puts `count` records over 20 keys; the value is the place of the record among all of the test. */
    async put(count: number): Promise<void> {
      const Records = Array.from({ length: count }, () => {
        const n = put++;
        return { PartitionKey: `key-${n % 20}`, Data: Buffer.from(String(n)) };
      });
      const answer = await client.send(new PutRecordsCommand({ StreamName, Records }));
      if (answer.FailedRecordCount !== 0) throw new Error(`${answer.FailedRecordCount} records were refused`);
    },
    get putSoFar(): number {
      return put;
    },
    async reshard(to: number): Promise<void> {
      await client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: to, ScalingType: 'UNIFORM_SCALING' }));
      await awaitActive();
    },
    async waitFor(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 60_000): Promise<void> {
      const deadline = Date.now() + deadlineMs;
      while (!(await condition())) {
        if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
        await delay(pollMs);
      }
    },
    startRecorder: (extra: Record<string, string> = {}) => new Recorder(bundle, { ...environment, ...extra }),
    async stop(): Promise<void> {
      client.destroy();
      await Promise.all([kinesis.close(), stack.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;

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

  #port = (): number | undefined => this.log.find(({ event }) => event === 'health.listening')?.port;

  #read(line: string): void {
    try {
      this.log.push(JSON.parse(line) as LogLine);
    } catch {
      this.strayLines.push(line);
    }
  }
}
