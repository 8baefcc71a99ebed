import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  ListStreamConsumersCommand,
  PutRecordsCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { build } from 'esbuild';
import { startKinesis } from '../../../scripts/local/kinesis/server.ts';
import { startStack } from '../../../scripts/local/stack.ts';
import type { KclLine } from '../../../services/lib/kcl/kcl-line.ts';
import { listShards } from '../../../services/lib/kcl/shards.ts';
import { awsConfig, kinesisClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { Application } from './application.ts';
import { dataOf } from './evidence.ts';
import { jarsOf } from './lines.ts';
import { Load } from './load.ts';

const pollMs = 50;
const keys = 20;

/** What the side endpoint answers of metrics. */
interface Measured {
  readonly metrics: readonly { readonly shard?: string; readonly datapoints: readonly { readonly sum: number }[] }[];
}

/** The recorder as it runs in a container, one bundle started by Node, on a local Kinesis (AWS's limits kept) and DynamoDB. */
export async function startRig({ shards, kclLine = 2 }: { readonly shards: number; readonly kclLine?: KclLine }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kcl-it-'));
  const bundle = path.join(folder, 'recorder', 'main.mjs');
  mkdirSync(path.dirname(bundle));
  const banner = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";
  const [kinesis, stack] = await Promise.all([
    startKinesis({ maxBytes: 256 * 1024 * 1024 }),
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
  const environment = { ...stack.environment(), KINESIS_ENDPOINT: kinesis.endpoint, KCL_JARS: jarsOf(kclLine) };
  const client = kinesisClient(loadConfig(awsConfig, environment));
  const StreamName = 'recorded';
  await client.send(new CreateStreamCommand({ StreamName, ShardCount: shards }));

  /** Resolves with the stream's ARN. */
  const awaitActive = async (): Promise<string> => {
    for (;;) {
      const { StreamDescriptionSummary: stream } = await client.send(new DescribeStreamSummaryCommand({ StreamName }));
      if (stream?.StreamStatus === 'ACTIVE') return stream.StreamARN ?? '';
      await delay(pollMs);
    }
  };
  const StreamARN = await awaitActive();

  let put = 0;
  const next = (): number => put++;
  const applications: Application[] = [];
  const loads: Load[] = [];
  return {
    application(name: string): Application {
      const application = new Application({ name, bundle, environment, evidenceFile: path.join(folder, `${name}.ndjson`) });
      applications.push(application);
      return application;
    },
    /** Puts `count` records over 20 keys. */
    async put(count: number): Promise<void> {
      const Records = Array.from({ length: count }, () => {
        const n = next();
        return { PartitionKey: `key-${n % keys}`, Data: dataOf(n, Date.now(), 0) };
      });
      const answer = await client.send(new PutRecordsCommand({ StreamName, Records }));
      if (answer.FailedRecordCount !== 0) throw new Error(`${answer.FailedRecordCount} records were refused`);
    },
    get putSoFar(): number {
      return put;
    },
    /** Puts steadily until it is stopped. */
    startLoad(recordsPerSecond: number): Load {
      const load = new Load({ client, streamName: StreamName, recordsPerSecond, next });
      loads.push(load);
      return load;
    },
    /** Resolves with the ids of the shards that are open then. */
    async reshard(to: number): Promise<string[]> {
      await client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: to, ScalingType: 'UNIFORM_SCALING' }));
      await awaitActive();
      return this.openShards();
    },
    async openShards(): Promise<string[]> {
      return (await listShards(client, StreamName)).filter(({ closed }) => !closed).map(({ shardId }) => shardId);
    },
    /** Names of the registered fan-out consumers. */
    async consumers(): Promise<string[]> {
      const { Consumers = [] } = await client.send(new ListStreamConsumersCommand({ StreamARN }));
      return Consumers.map(({ ConsumerName = '' }) => ConsumerName);
    },
    async deregister(ConsumerName: string): Promise<void> {
      await client.send(new DeregisterStreamConsumerCommand({ StreamARN, ConsumerName }));
    },
    /** Moves the time of the stream on; the daemon's stays. */
    async advance(advanceMs: number): Promise<void> {
      const answer = await fetch(`${kinesis.endpoint}/_local/clock`, { method: 'POST', body: JSON.stringify({ advanceMs }) });
      if (!answer.ok) throw new Error(await answer.text());
    },
    /** Sum so far of one of the stream's metrics, or of its consumers'. */
    async measured(name: 'ReadProvisionedThroughputExceeded' | 'SubscribeToShard.Success'): Promise<number> {
      const answer = await fetch(`${kinesis.endpoint}/_local/metrics?stream=${StreamName}&name=${name}&from=0`);
      const { metrics } = (await answer.json()) as Measured;
      return metrics
        .filter(({ shard }) => shard === undefined)
        .flatMap(({ datapoints }) => datapoints)
        .reduce((all, { sum }) => all + sum, 0);
    },
    async stop(): Promise<void> {
      await Promise.allSettled(loads.map((load) => load.stop())); // a test that failed may have left one
      await Promise.all(applications.map((application) => application.end()));
      client.destroy();
      await Promise.all([kinesis.close(), stack.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;
