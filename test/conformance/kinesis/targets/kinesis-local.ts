import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { kinesisLocalDifferences } from '../differences/kinesis-local.ts';
import type { Target } from '../target.ts';

const main = fileURLToPath(import.meta.resolve('kinesis-local/main.js'));
const preload = fileURLToPath(new URL('loopback-only.mjs', import.meta.url));
/** Only names for its two servers: see loopback-only.mjs. */
const plainPort = 4_568;
const tlsPort = 4_567;
const startMs = 30_000;
const lookMs = 20;
const operationMs = '5ms';
const durations = [
  'CREATE_STREAM',
  'DELETE_STREAM',
  'REGISTER_STREAM_CONSUMER',
  'DEREGISTER_STREAM_CONSUMER',
  'SPLIT_SHARD',
  'MERGE_SHARDS',
  'UPDATE_SHARD_COUNT',
  'UPDATE_STREAM_MODE',
];

export interface KinesisLocalTarget extends Target {
  readonly pid: number;
}

/**
 * npm kinesis-local, an implementation by others, in a child process. Over HTTP/1.1: its SubscribeToShard over HTTP/2 ends in a
 * protocol error.
 */
export async function kinesisLocalTarget(): Promise<KinesisLocalTarget> {
  const child = fork(main, [], {
    execArgv: ['--import', preload],
    env: {
      PATH: process.env['PATH'],
      KINESIS_MOCK_CERT_PATH: join(dirname(main), 'server.json'),
      KINESIS_MOCK_PLAIN_PORT: String(plainPort),
      KINESIS_MOCK_TLS_PORT: String(tlsPort),
      SHARD_LIMIT: '200',
      LOG_LEVEL: 'ERROR',
      ...Object.fromEntries(durations.map((name) => [`${name}_DURATION`, operationMs])),
    },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL'); // it keeps nothing worth an orderly end
    await ended;
  };
  try {
    const port = await listening(child);
    return {
      name: 'kinesis-local',
      transport: 'http1',
      client: {
        endpoint: `http://127.0.0.1:${port}`,
        region: 'us-east-1',
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
        requestHandler: new NodeHttpHandler(),
      },
      capabilities: [],
      differences: kinesisLocalDifferences,
      budget: { streams: 40, createdStreams: 1_000, createdShards: 5_000, records: 20_000 },
      patienceMs: 3_000,
      checkMs: 20_000,
      now: Date.now,
      pause: async (ms) => void (await delay(Math.min(ms, lookMs))),
      rest: async (ms) => void (await delay(ms)),
      pass: () => {
        throw new Error('this target has no clock to move');
      },
      stop,
      pid: child.pid ?? 0,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The port that its server without TLS got. */
async function listening(child: ChildProcess): Promise<number> {
  const signal = AbortSignal.timeout(startMs);
  const failed = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`kinesis-local ended with ${String(code)} at its start`);
  });
  const told = (async () => {
    for (;;) {
      const [message] = (await once(child, 'message', { signal })) as [{ asked: number; port: number }];
      if (message.asked === plainPort) return message.port;
    }
  })();
  return Promise.race([told, failed]);
}
