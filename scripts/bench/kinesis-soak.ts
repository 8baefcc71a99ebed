import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateStreamCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis';
import { preset } from '../cli/flags.ts';
import type { Bench, Figure } from './harness/bench.ts';
import { type Footprint, footprint, slope } from './kinesis/footprint.ts';
import { SoakReader } from './kinesis/soak-reader.ts';
import type { FromServer, ToServer } from './kinesis/soak-server.ts';

const streamName = 'soak';
const shards = 4;
/** Reached after about a minute, so that the records themselves are no growth. */
const capBytes = 16_777_216;
const recordBytes = 1_024;
const recordsPerPut = 20;
const putEveryMs = 100;
const sampleEveryMs = 10_000;
/** All readers stand at LATEST by then. */
const warmUpMs = 1_000;
/** Long enough for what was put last to be pushed. */
const settleMs = 1_000;
/** A request that is under way while the sample is taken. */
const handleSpread = 4;
/** A leak of one event or of one timer a second would exceed it. */
const flatKiBPerMinute = 60;

const positive = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new Error('expected a number above 0');
  return value;
};
const flags = {
  minutes: preset('N', 'how long; AWS ends each subscription after 5', '10', positive),
  subscriptions: preset('N', 'at once, over 4 shards', '8', positive),
};

interface Sample {
  readonly minutes: number;
  readonly server: Footprint & { readonly subscriptions: number };
  readonly client: Footprint;
}

export const bench: Bench<typeof flags> = {
  summary: 'the local Kinesis for some minutes under subscriptions and 200 records/s: memory and handles must stay flat',
  flags,

  async run(report, signal, { minutes, subscriptions }) {
    const script = fileURLToPath(new URL('./kinesis/soak-server.ts', import.meta.url));
    const server = fork(script, [String(capBytes)], { execArgv: ['--import', 'tsx'] });
    const end = new AbortController();
    const stop = () => end.abort();
    signal.addEventListener('abort', stop);
    server.once('exit', stop);
    let client: KinesisClient | undefined;
    try {
      const { endpoint } = (await heard(server)) as { endpoint: string };
      client = new KinesisClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
      const readers = await begin(client, subscriptions);
      const running = readers.map((reader) => reader.run(end.signal));
      const put = putSteadily(client, end.signal);
      const samples = await watch(server, readers, minutes, report, end.signal);
      signal.throwIfAborted();
      const sent = await put.stop();
      await sleep(settleMs);
      stop();
      await Promise.all(running);
      return judge(samples, readers, sent);
    } finally {
      stop();
      client?.destroy();
      server.send('stop' satisfies ToServer);
      await once(server, 'exit');
      signal.removeEventListener('abort', stop);
    }
  },
};

async function heard(server: ChildProcess): Promise<FromServer> {
  const [message] = (await once(server, 'message')) as [FromServer];
  return message;
}

async function begin(client: KinesisClient, subscriptions: number): Promise<SoakReader[]> {
  await client.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: shards }));
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: streamName }));
  const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}`;
  const readers: SoakReader[] = [];
  for (let i = 0; readers.length < subscriptions; i++) {
    const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: `reader-${i}` }));
    for (const { ShardId } of Shards.slice(0, subscriptions - readers.length)) {
      readers.push(new SoakReader(client, Consumer?.ConsumerARN ?? '', ShardId ?? ''));
    }
  }
  return readers;
}

/** 200 records a second, each shard's numbered from 0. */
function putSteadily(client: KinesisClient, signal: AbortSignal) {
  const sent = Array.from({ length: shards }, () => 0);
  const stopping = new AbortController();
  const run = async () => {
    for (let due = performance.now() + warmUpMs; !signal.aborted && !stopping.signal.aborted; due += putEveryMs) {
      await sleep(Math.max(0, due - performance.now()));
      const Records = Array.from({ length: recordsPerPut }, (_, i) => {
        const shard = i % shards;
        const Data = Buffer.alloc(recordBytes);
        const number = sent[shard] ?? 0;
        sent[shard] = number + 1;
        Data.writeUInt32BE(number);
        return { Data, PartitionKey: 'k', ExplicitHashKey: ((BigInt(shard) * 2n ** 128n) / BigInt(shards)).toString() };
      });
      await client.send(new PutRecordsCommand({ StreamName: streamName, Records }));
    }
    return sent;
  };
  const running = run();
  running.catch(() => {}); // told by stop()
  return {
    async stop() {
      stopping.abort();
      return await running;
    },
  };
}

async function watch(
  server: ChildProcess,
  readers: readonly SoakReader[],
  minutes: number,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const startedMs = performance.now();
  for (let elapsed = 0; elapsed < minutes && !signal.aborted && readers.every(({ failure }) => failure === undefined); ) {
    await sleep(sampleEveryMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) break;
    const answer = heard(server);
    server.send('sample' satisfies ToServer);
    elapsed = (performance.now() - startedMs) / 60_000;
    const sample = { minutes: elapsed, server: (await answer) as Sample['server'], client: footprint() };
    samples.push(sample);
    report(lineOf(sample, readers));
  }
  return samples;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(2);
const shown = ({ heapUsed, external, rss, handles }: Footprint): string =>
  `heap ${mb(heapUsed)} external ${mb(external)} rss ${mb(rss)} MB, ${handles} handles`;

function lineOf({ minutes, server, client }: Sample, readers: readonly SoakReader[]): string {
  const received = readers.reduce((sum, reader) => sum + reader.received, 0);
  const renewals = readers.reduce((sum, reader) => sum + reader.renewals, 0);
  return `${minutes.toFixed(2)} min  server ${shown(server)}, ${server.subscriptions} subscriptions  client ${shown(client)}  received ${received}, renewed ${renewals}`;
}

/** The first third is warm-up: code is compiled, and the records reach their cap. */
function judge(samples: readonly Sample[], readers: readonly SoakReader[], sent: readonly number[]): Figure[] {
  const failure = readers.find((reader) => reader.failure !== undefined)?.failure;
  if (failure !== undefined) throw failure;
  const late = samples.slice(Math.floor(samples.length / 3));
  const kibPerMinute = (heap: (sample: Sample) => number) =>
    slope(
      late.map(({ minutes }) => minutes),
      late.map(heap),
    ) / 1_024;
  const spread = (count: (sample: Sample) => number) => Math.max(...late.map(count)) - Math.min(...late.map(count));
  const missing = readers.reduce((sum, { shardId, received }) => sum + (sent[Number(shardId.slice(-12))] ?? 0) - received, 0);
  const { server, client } = late.at(-1) as Sample;
  return [
    {
      name: 'serverHeapKiBPerMinute',
      label: 'server heap',
      value: kibPerMinute((s) => s.server.heapUsed),
      unit: 'KiB/min',
      atMost: flatKiBPerMinute,
    },
    {
      name: 'clientHeapKiBPerMinute',
      label: 'client heap',
      value: kibPerMinute((s) => s.client.heapUsed),
      unit: 'KiB/min',
      atMost: flatKiBPerMinute,
    },
    {
      name: 'serverHandleSpread',
      label: 'server handles, most - least',
      value: spread((s) => s.server.handles),
      unit: '',
      atMost: handleSpread,
    },
    {
      name: 'clientHandleSpread',
      label: 'client handles, most - least',
      value: spread((s) => s.client.handles),
      unit: '',
      atMost: handleSpread,
    },
    {
      name: 'subscriptions',
      label: 'subscriptions at the end',
      value: server.subscriptions,
      unit: '',
      atLeast: readers.length,
      atMost: readers.length,
    },
    { name: 'renewals', label: 'renewals', value: readers.reduce((sum, { renewals }) => sum + renewals, 0), unit: '' },
    { name: 'received', label: 'records received', value: readers.reduce((sum, { received }) => sum + received, 0), unit: 'records' },
    { name: 'missing', label: 'records missing', value: missing, unit: 'records', atMost: 0 },
    { name: 'serverRssMb', label: 'server RSS at the end', value: server.rss / 1e6, unit: 'MB' },
    { name: 'clientRssMb', label: 'client RSS at the end', value: client.rss / 1e6, unit: 'MB' },
  ];
}
