import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import pino from 'pino';
import { startKinesis } from '../../scripts/local/kinesis/server.ts';
import { listShards, type Shard } from '../../services/lib/kcl/shards.ts';
import { kinesisClient } from '../../services/lib/process/aws.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import { deaggregate, type UserRecord } from '../../services/lib/producer/aggregation.ts';
import { Producer } from '../../services/lib/producer/producer.ts';

const streamName = 'events';
const keys = 40;
const perRound = 400;

async function active(kinesis: KinesisClient): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
    const { StreamDescriptionSummary } = await kinesis.send(new DescribeStreamSummaryCommand({ StreamName: streamName }));
    if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
  }
  throw new Error('the stream did not become active');
}

/** Records as consumers get them, and how many aggregates they do not get. */
async function readBack(kinesis: KinesisClient, shards: readonly Shard[]): Promise<{ records: UserRecord[]; strays: number }> {
  const records: UserRecord[] = [];
  let strays = 0;
  for (const { shardId, range } of shards) {
    const start = await kinesis.send(
      new GetShardIteratorCommand({ StreamName: streamName, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (let iterator = start.ShardIterator; iterator !== undefined; ) {
      const page = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
      for (const { Data, PartitionKey } of page.Records ?? []) {
        const parts = deaggregate(Buffer.from(Data ?? []), PartitionKey ?? '', range);
        if (parts.kind === 'stray') strays++;
        else records.push(...parts.records);
      }
      iterator = page.MillisBehindLatest === 0 ? undefined : page.NextShardIterator;
    }
  }
  return { records, strays };
}

describe('producer on a stream that is resharded under its shard map', function () {
  this.timeout(30_000);

  async function run(listing: { fails: boolean }): Promise<void> {
    const server = await startKinesis({ limits: false });
    const kinesis = kinesisClient({
      AWS_REGION: 'us-east-1',
      LOCAL_MODE: true,
      KINESIS_ENDPOINT: server.endpoint,
      DYNAMODB_ENDPOINT: server.endpoint,
      SNS_ENDPOINT: server.endpoint,
    });
    let blocked = false;
    kinesis.middlewareStack.add((next, context) => async (args) => {
      if (blocked && context['commandName'] === ListShardsCommand.name) throw new Error('no listing');
      return next(args);
    });
    const metrics = new Metrics();
    try {
      await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 2 }));
      await active(kinesis);
      const producer = new Producer({ kinesis, streamName, log: pino({ level: 'silent' }), metrics });
      let n = 0;
      const round = async (): Promise<void> => {
        for (let i = 0; i < perRound; i++, n++) {
          await producer.put({ partitionKey: `user-${n % keys}`, data: Buffer.from(String(n)) });
        }
        await producer.flush();
      };
      await round();
      await kinesis.send(new UpdateShardCountCommand({ StreamName: streamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }));
      await active(kinesis);
      // From here the producer's map is stale: it plans by two shards that are closed.
      blocked = listing.fails;
      await round();
      blocked = false;
      await round();
      await producer.close();

      const shards = await listShards(kinesis, streamName);
      assert.ok(shards.filter((shard) => !shard.closed).length === 4);
      const { records, strays } = await readBack(kinesis, shards);
      assert.ok(strays > 0, 'no aggregate strayed: the map was not stale');
      const seen = new Map<string, number[]>();
      for (const { partitionKey, data } of records) {
        const numbers = seen.get(partitionKey) ?? [];
        if (!numbers.includes(Number(data))) numbers.push(Number(data));
        seen.set(partitionKey, numbers);
      }
      for (let user = 0; user < keys; user++) {
        const expected = Array.from({ length: (3 * perRound) / keys }, (_, i) => user + i * keys);
        assert.deepEqual(seen.get(`user-${user}`), expected, `user-${user}`);
      }
    } finally {
      kinesis.destroy();
      await server.close();
    }
  }

  it('loses no event and keeps the order per key', async () => {
    await run({ fails: false });
  });

  it('does so too when the shards cannot be listed', async () => {
    await run({ fails: true });
  });
});
