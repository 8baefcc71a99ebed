import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startKinesisProcess } from '../local/kinesis/kinesis.ts';
import { startProcess } from '../local/process/managed-process.ts';
import { type Bench, type Figure, median } from './harness/bench.ts';
import { getRate } from './kinesis/gets.ts';
import { limitsRatio } from './kinesis/limits-cost.ts';
import { assertAllStored, putBodies, putRate, recordsPerRequest } from './kinesis/puts.ts';
import { pushLatencies, subscribeRate } from './kinesis/subscriptions.ts';
import { WireClient } from './kinesis/wire-client.ts';

const streamName = 'bench';
const shards = 4;
const capBytes = 2_000_000_000;
const rounds = 5;
const roundRequests = 60;
const longRecords = 1_000_000;
const partRecords = 100_000;
const readPerShard = 50_000;
const pushRounds = 3;
const latencyStream = 'latency';
const latencyRate = 500;
const latencySeconds = 4;

export const bench: Bench = {
  flags: {},
  summary:
    'the local Kinesis: PutRecords beside a bare HTTP/2 echo, a million records, GetRecords and SubscribeToShard, the cost of limits',

  async run(report, signal) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-kinesis-'));
    const env = { PATH: process.env['PATH'] ?? '' };
    const kinesis = await startKinesisProcess({ limits: false, maxBytes: capBytes, env, logFile: join(folder, 'kinesis.log') });
    const limited = await startKinesisProcess({ limits: true, maxBytes: capBytes, env, logFile: join(folder, 'limited.log') });
    const unlimited = await startKinesisProcess({ limits: false, maxBytes: capBytes, env, logFile: join(folder, 'unlimited.log') });
    const echo = await startEcho(env, join(folder, 'echo.log'));
    const clients = {
      kinesis: new WireClient(kinesis.endpoint),
      limited: new WireClient(limited.endpoint),
      unlimited: new WireClient(unlimited.endpoint),
      echo: new WireClient(echo.endpoint),
    };
    try {
      return await measure(clients, report, signal);
    } finally {
      for (const client of Object.values(clients)) client.close();
      await Promise.all([kinesis, limited, unlimited, echo].map(({ process: server }) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function startEcho(env: Record<string, string>, logFile: string) {
  const script = fileURLToPath(new URL('./kinesis/echo-server.ts', import.meta.url));
  const process_ = await startProcess({
    name: 'echo server',
    command: process.execPath,
    args: ['--import', 'tsx', script],
    env,
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    logFile,
    ready: { stdoutLine: /"endpoint":"(http:[^"]+)"/ },
    readyTimeoutMs: 30_000,
  });
  return { endpoint: process_.readyMatch?.[1] ?? '', process: process_ };
}

interface Clients {
  readonly kinesis: WireClient;
  /** Two servers alike but for the limits: the first has memory that it had from the system before, which is faster than new. */
  readonly limited: WireClient;
  readonly unlimited: WireClient;
  readonly echo: WireClient;
}

async function measure(
  { kinesis, limited, unlimited, echo }: Clients,
  report: (line: string) => void,
  signal: AbortSignal,
): Promise<Figure[]> {
  const bodies = putBodies(streamName);
  const create = () => kinesis.json('CreateStream', { StreamName: streamName, ShardCount: shards });
  const put = (requests: number) => putRate(kinesis, bodies, requests, signal, assertAllStored);
  const echoOnce = () => putRate(echo, bodies, roundRequests, signal, () => {});
  await create();
  await Promise.all([put(roundRequests), echoOnce()]); // warm both before anything counts
  const rates = { put: [] as number[], echo: [] as number[] };
  for (let round = 1; round <= rounds; round++) {
    rates.echo.push(await echoOnce());
    rates.put.push(await put(roundRequests));
    report(`round ${round} of ${rounds}: echo ${per(rates.echo.at(-1))}, PutRecords ${per(rates.put.at(-1))} records/s`);
  }
  await kinesis.json('DeleteStream', { StreamName: streamName });
  await create();
  const parts: { readonly rate: number; readonly toEcho: number }[] = [];
  for (let done = 0; done < longRecords; done += partRecords) {
    const before = await echoOnce();
    const rate = await put(partRecords / recordsPerRequest);
    const toEcho = rate / ((before + (await echoOnce())) / 2); // the machine may be busier at the end than at the beginning
    parts.push({ rate, toEcho });
    report(
      `${(done + partRecords).toLocaleString('en-US')} records: the last 100,000 at ${per(rate)} records/s, ${toEcho.toFixed(2)} of the echo`,
    );
  }
  const json = await getRate(kinesis, streamName, 'json', readPerShard, signal);
  const cbor = await getRate(kinesis, streamName, 'cbor', readPerShard, signal);
  const pushes = await measurePushes(kinesis, report, signal);
  await kinesis.json('DeleteStream', { StreamName: streamName, EnforceConsumerDeletion: true });
  const limitsToNone = await limitsRatio(limited, unlimited, signal);
  const [put1, echo1, first, last] = [median(rates.put), median(rates.echo), parts[0], parts.at(-1)];
  const lastToFirst = (last?.toEcho ?? Number.NaN) / (first?.toEcho ?? Number.NaN);
  const unit = 'records/s';
  return [
    { name: 'putRecordsPerSecond', label: 'PutRecords, 500 × 1 KB', value: put1, unit },
    { name: 'echoRecordsPerSecond', label: 'echo of the same bodies', value: echo1, unit },
    {
      name: 'putToEcho',
      label: 'PutRecords : echo',
      value: median(rates.put.map((rate, i) => rate / (rates.echo[i] ?? Number.NaN))),
      unit: '',
      atLeast: 0.4,
    },
    { name: 'first100kPerSecond', label: 'first 100,000 of a million', value: first?.rate ?? Number.NaN, unit },
    { name: 'last100kPerSecond', label: 'last 100,000 of a million', value: last?.rate ?? Number.NaN, unit },
    { name: 'lastToFirst', label: 'last : first, each to the echo beside it', value: lastToFirst, unit: '', atLeast: 0.7 },
    { name: 'getJsonPerSecond', label: 'GetRecords, JSON', value: json, unit },
    { name: 'getCborPerSecond', label: 'GetRecords, CBOR', value: cbor, unit },
    ...pushes,
    { name: 'limitsToNone', label: 'PutRecords, limits on : off', value: limitsToNone, unit: '', atLeast: 0.7 },
  ];
}

/** One subscription beside GetRecords of the same shard, and how soon an event follows its put. */
async function measurePushes(kinesis: WireClient, report: (line: string) => void, signal: AbortSignal): Promise<Figure[]> {
  const unit = 'records/s';
  const figures: Figure[] = [];
  for (const format of ['json', 'cbor'] as const) {
    const rates = { get: [] as number[], push: [] as number[] };
    for (let round = 1; round <= pushRounds; round++) {
      rates.get.push(await getRate(kinesis, streamName, format, readPerShard, signal, 1));
      rates.push.push(await subscribeRate(kinesis, streamName, format, readPerShard));
    }
    const name = format === 'json' ? 'Json' : 'Cbor';
    const ratio = median(rates.push.map((rate, i) => rate / (rates.get[i] ?? Number.NaN)));
    report(`${format}: one shard by GetRecords ${per(median(rates.get))}, by a subscription ${per(median(rates.push))} records/s`);
    figures.push(
      { name: `push${name}PerSecond`, label: `SubscribeToShard, ${format.toUpperCase()}`, value: median(rates.push), unit },
      { name: `push${name}ToGet`, label: `SubscribeToShard : GetRecords, ${format.toUpperCase()}`, value: ratio, unit: '', atLeast: 0.5 },
    );
  }
  await kinesis.json('CreateStream', { StreamName: latencyStream, ShardCount: 1 });
  const latencies = await pushLatencies(kinesis, latencyStream, latencyRate, latencySeconds);
  const at = (quantile: number) => latencies[Math.floor(latencies.length * quantile)] ?? Number.NaN;
  return [
    ...figures,
    { name: 'putToEventP50Ms', label: `put to event at ${latencyRate} records/s, p50`, value: at(0.5), unit: 'ms' },
    { name: 'putToEventP95Ms', label: `put to event at ${latencyRate} records/s, p95`, value: at(0.95), unit: 'ms' },
  ];
}

const per = (rate: number | undefined): string => Math.round(rate ?? 0).toLocaleString('en-US');
