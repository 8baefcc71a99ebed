import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKinesisProcess } from '../../../../scripts/local/kinesis/kinesis.ts';
import { startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { assertAwsShaped } from './fuzz/judge.ts';
import { Moment, type Node } from './fuzz/node.ts';
import { Random } from './fuzz/random.ts';
import { type FuzzRequest, json, type Plausible, requestOf } from './fuzz/requests.ts';
import { Wire } from './fuzz/wire.ts';

/** `SEED=n npx mocha …/fuzz.test.ts` makes the same requests again; `FUZZ_RUNS=200000` more of them, at a server of its own process. */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const runs = Number(process.env['FUZZ_RUNS'] ?? 1_500);
const runsByHand = 20_000;
const underWay = 8;
const renewEvery = 400;
const accountId = '000000000000';
const arn = `arn:aws:kinesis:us-east-1:${accountId}:stream/s`;
const shardId = 'shardId-000000000000';

describe('local Kinesis: requests that nobody should send', function () {
  this.timeout(Math.max(10_000, runs * 20));

  let endpoint: string;
  let pid: number | undefined;
  let stop: () => Promise<void>;
  let wire: Wire;
  before(async () => {
    const ownProcess = runs >= runsByHand;
    if (ownProcess) {
      const folder = await mkdtemp(join(tmpdir(), 'fuzz-'));
      const env = { PATH: process.env['PATH'] ?? '' };
      const kinesis = await startKinesisProcess({ limits: false, maxBytes: 20_000_000, env, logFile: join(folder, 'kinesis.log') });
      endpoint = kinesis.endpoint;
      pid = kinesis.process.pid;
      stop = async () => {
        await kinesis.process.stop();
        await rm(folder, { recursive: true, force: true });
      };
    } else {
      const kinesis = await startKinesis({ limits: false, maxBytes: 20_000_000 });
      endpoint = kinesis.endpoint;
      stop = () => kinesis.close();
    }
    wire = new Wire(endpoint);
  });
  after(async () => {
    await wire.close();
    await stop();
  });

  const call = async (operation: string, input: object): Promise<Record<string, unknown>> => {
    const request = { target: `Kinesis_20131202.${operation}`, contentType: json, body: Buffer.from(JSON.stringify(input)) };
    const { body } = await wire.http2(request);
    return body.length === 0 ? {} : (JSON.parse(body.toString('utf8')) as Record<string, unknown>);
  };

  /** A stream as it should be, whatever was done to it, and what a request may name of it. */
  async function plausible(): Promise<Plausible> {
    const { StreamNames = [] } = (await call('ListStreams', { Limit: 10_000 })) as { StreamNames?: string[] };
    for (const name of StreamNames) await call('DeleteStream', { StreamName: name, EnforceConsumerDeletion: true });
    await call('CreateStream', { StreamName: 's', ShardCount: 3 });
    const { Consumer } = (await call('RegisterStreamConsumer', { StreamARN: arn, ConsumerName: 'c' })) as {
      Consumer?: Record<string, string>;
    };
    const { SequenceNumber } = (await call('PutRecord', { StreamName: 's', PartitionKey: 'k', Data: 'YQ==' })) as {
      SequenceNumber: string;
    };
    const { ShardIterator } = (await call('GetShardIterator', {
      StreamName: 's',
      ShardId: shardId,
      ShardIteratorType: 'TRIM_HORIZON',
    })) as {
      ShardIterator: string;
    };
    const { NextToken } = (await call('ListShards', { StreamName: 's', MaxResults: 1 })) as { NextToken: string };
    const types = ['TRIM_HORIZON', 'LATEST', 'AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'AT_TIMESTAMP', 'AT_LATEST', 'FROM_TIMESTAMP'];
    const shards: Node[] = [shardId, 'shardId-000000000001', 'shardId-000000000002', 'shardId-000000000003'];
    return {
      StreamName: ['s', 's', 's', 's', 'other'],
      StreamARN: [arn],
      ResourceARN: [arn, Consumer?.['ConsumerARN'] ?? arn],
      ConsumerName: ['c', 'd'],
      ConsumerARN: [Consumer?.['ConsumerARN'] ?? arn],
      ShardId: shards,
      ShardToSplit: shards,
      ShardToMerge: shards,
      AdjacentShardToMerge: shards,
      ExclusiveStartShardId: shards,
      NewStartingHashKey: ['1000', '1', '340282366920938463463374607431768211455'],
      ExplicitHashKey: ['0', '340282366920938463463374607431768211455', '99999999999999999999999999999999999999'],
      PartitionKey: ['k', 'ключ', '\u0000'],
      SequenceNumber: [SequenceNumber],
      StartingSequenceNumber: [SequenceNumber],
      ShardIterator: [ShardIterator],
      NextToken: [NextToken],
      ShardIteratorType: types,
      Type: types,
      Timestamp: [new Moment(Date.now()), new Moment(0)],
      StreamMode: ['PROVISIONED', 'ON_DEMAND'],
      ScalingType: ['UNIFORM_SCALING'],
      ShardCount: [1, 2, 5],
      TargetShardCount: [1, 2, 3, 4, 6],
      RetentionPeriodHours: [24, 25, 48, 8_760],
    };
  }

  async function send(request: FuzzRequest, run: number): Promise<number> {
    const transport = run % 4 === 0 ? 'http1' : 'http2';
    try {
      const answer = await wire[transport](request);
      assertAwsShaped(answer, request.contentType);
      return answer.status;
    } catch (cause) {
      const { target, contentType, body } = request;
      const shown = `${transport} ${target.slice(0, 200)} ${contentType} ${body.toString('base64').slice(0, 20_000)}`;
      throw new Error(`run ${run} of SEED=${seed}: ${(cause as Error).message}\n${shown}`, { cause });
    }
  }

  it('are answered as AWS would, each of them, and the server lives on', async () => {
    const statuses = new Map<number, number>();
    const wentOn = new Map<string, number>();
    const samples: string[] = [];
    for (let from = 0; from < runs; from += renewEvery) {
      const known = await plausible();
      const requests = Array.from({ length: Math.min(renewEvery, runs - from) }, (_, i) => from + i);
      const sender = async () => {
        for (let run = requests.shift(); run !== undefined; run = requests.shift()) {
          const request = requestOf(new Random(seed + run), known);
          const status = await send(request, run);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (status === 200) wentOn.set(request.target, (wentOn.get(request.target) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: underWay }, sender));
      if (pid !== undefined && (from / renewEvery) % 25 === 0) samples.push(`${from} requests: ${footprint(pid)}`);
    }
    if (samples.length > 0) {
      const counts = [statuses, wentOn].map((map) => JSON.stringify(Object.fromEntries(map)));
      process.stderr.write(`${[`SEED=${seed}`, ...samples, ...counts].join('\n')}\n`);
    }
    assert.ok((statuses.get(200) ?? 0) > runs / 50, `too few that went on: ${JSON.stringify([...statuses])}`);
    await plausible();
    assert.deepEqual((await call('ListStreams', {}))['StreamNames'], ['s']);
  });
});

/** Memory and open files of a process, as Linux shows them. */
function footprint(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return `${/VmRSS:\s+(\d+ kB)/.exec(status)?.[1]}, ${readdirSync(`/proc/${pid}/fd`).length} descriptors`;
}
