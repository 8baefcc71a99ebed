import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  PutRecordsCommand,
  UpdateShardCountCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { type KinesisServer, startKinesis } from '../../scripts/local/kinesis/server.ts';
import { Clock } from '../../scripts/local/kinesis/store/clock.ts';
import { trimHorizon } from '../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../services/lib/kcl/processor.ts';
import { readShard, type ShardRead } from '../../services/lib/kcl/shard-reader.ts';
import { hashKeyOf, inRange, listShards, type Shard } from '../../services/lib/kcl/shards.ts';
import { kinesisClient } from '../../services/lib/process/aws.ts';
import { aggregate } from '../../services/lib/producer/aggregation.ts';

const streamName = 'booking-events';
const keys = 24;

async function texts(batches: AsyncIterable<StreamRecord[]>): Promise<string[]> {
  const all: string[] = [];
  for await (const batch of batches) all.push(...batch.map(({ data }) => data.toString()));
  return all;
}

describe('the shard reader on the local Kinesis', () => {
  let server: KinesisServer;
  let kinesis: KinesisClient;
  /** Runs ahead of the machine's clock by what was slept, so that a test waits for no pause. */
  let skippedMs = 0;
  const now = () => Date.now() + skippedMs;
  const clock = {
    now,
    sleep: async (ms: number) => {
      skippedMs += ms;
    },
  };
  const read = (shard: Shard, of: Partial<ShardRead> = {}) =>
    readShard({ kinesis, streamName, shard, after: trimHorizon, upTo: 'end', clock, ...of });

  before(async () => {
    server = await startKinesis({ clock: new Clock(now) });
    const endpoint = server.endpoint;
    kinesis = kinesisClient({
      AWS_REGION: 'us-east-1',
      LOCAL_MODE: true,
      KINESIS_ENDPOINT: endpoint,
      DYNAMODB_ENDPOINT: endpoint,
      SNS_ENDPOINT: endpoint,
    });
    await kinesis.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 2 }));
    await settled();
  });

  after(async () => {
    kinesis.destroy();
    await server.close();
  });

  const settled = () =>
    waitUntilStreamExists({ client: kinesis, maxWaitTime: 10, minDelay: 0.02, maxDelay: 0.1 }, { StreamName: streamName });

  /** One aggregate per open shard with the keys of its range, and one plain record per key. */
  async function put(round: number): Promise<void> {
    const open = (await listShards(kinesis, streamName)).filter(({ closed }) => !closed);
    const entries = open.flatMap(({ range }) => {
      const own = Array.from({ length: keys }, (_, i) => `user-${i}`).filter((key) => inRange(hashKeyOf(key), range));
      const together = aggregate(own.map((key) => ({ partitionKey: key, data: Buffer.from(`${round} ${key} aggregated`) })));
      return [
        { PartitionKey: own[0] ?? '', Data: together },
        ...own.map((key) => ({ PartitionKey: key, Data: Buffer.from(`${round} ${key} plain`) })),
      ];
    });
    const answer = await kinesis.send(new PutRecordsCommand({ StreamName: streamName, Records: entries }));
    assert.equal(answer.FailedRecordCount, 0);
  }

  it('reads a lineage through 2 → 4 → 2 shards: every record once, in order per key', async () => {
    await put(1);
    await kinesis.send(new UpdateShardCountCommand({ StreamName: streamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }));
    await settled();
    await put(2);
    await kinesis.send(new UpdateShardCountCommand({ StreamName: streamName, TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }));
    await settled();
    await put(3);

    const shards = await listShards(kinesis, streamName);
    assert.equal(shards.filter(({ closed }) => closed).length, 6);
    const seen: string[] = [];
    for (const shard of shards) seen.push(...(await texts(read(shard, { upTo: shard.closed ? 'end' : 'tip' }))));
    for (let i = 0; i < keys; i++) {
      const mine = seen.filter((text) => text.includes(` user-${i} `));
      assert.deepEqual(
        mine,
        [1, 2, 3].flatMap((round) => [`${round} user-${i} aggregated`, `${round} user-${i} plain`]),
      );
    }
    assert.equal(seen.length, keys * 2 * 3);
  });

  it('reads exactly from one position to another, within an aggregate too', async () => {
    const shard = (await listShards(kinesis, streamName)).find(({ closed }) => closed) as Shard;
    const all: StreamRecord[] = [];
    for await (const batch of read(shard)) all.push(...batch);
    const aggregateTail = all.filter(({ sequenceNumber }) => sequenceNumber === all[0]?.sequenceNumber).length - 1;
    for (const [from, to] of [
      [0, aggregateTail],
      [aggregateTail, aggregateTail + 2],
      [1, all.length - 1],
    ] as const) {
      const part = read(shard, { after: all[from]?.position ?? trimHorizon, upTo: all[to]?.position ?? trimHorizon });
      assert.deepEqual(
        await texts(part),
        all.slice(from + 1, to + 1).map(({ data }) => data.toString()),
      );
    }
  });

  it('gets through while others use up the read limit of the shard', async () => {
    const shard = (await listShards(kinesis, streamName)).find(({ closed }) => closed) as Shard;
    const expected = await texts(read(shard));
    let pauses = 0;
    const greedy = {
      now,
      sleep: async (ms: number) => {
        pauses++;
        skippedMs += ms;
        if (pauses === 1) await useUpReads(shard);
      },
    };
    skippedMs += 1_000;
    await useUpReads(shard);
    assert.deepEqual(await texts(read(shard, { clock: greedy })), expected);
    assert.ok(pauses > 0, 'a first call that is not refused waits for nothing');
  });

  /** Five GetRecords a second and shard: after these, the next call in the same second is refused. */
  async function useUpReads({ shardId }: Shard): Promise<void> {
    const start = { StreamName: streamName, ShardId: shardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
    const { ShardIterator } = await kinesis.send(new GetShardIteratorCommand(start));
    for (let i = 0; i < 5; i++) await kinesis.send(new GetRecordsCommand({ ShardIterator, Limit: 1 }));
  }
});
