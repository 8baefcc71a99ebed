import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  PutRecordsCommand,
  type _Record as Record_,
} from '@aws-sdk/client-kinesis';
import { type KinesisServer, startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { awsError, clientOf } from './rig.ts';

const seconds = 3;
/** A little less than whole seconds: the next one begins with a full allowance. */
const runMs = seconds * 1_000 - 60;
const stepMs = 50;
const streamName = 's';
const shards = { records: 0, bytes: 1, calls: 2, answers: 3 } as const;
const within = 0.02;

describe('local Kinesis: limits over real time', function () {
  this.retries(2); // a machine that stands still for 200 ms does not offer three times the limit
  let server: KinesisServer;
  let client: KinesisClient;
  beforeEach(async () => {
    server = await startKinesis();
    client = clientOf(server.endpoint, 'http2');
    await client.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 4 }));
  });
  afterEach(async () => {
    client.destroy();
    await server.close();
  });

  const shardId = (shard: number) => `shardId-${String(shard).padStart(12, '0')}`;
  const put = (shard: number, count: number, bytes: number) => {
    const record = { PartitionKey: 'k', ExplicitHashKey: (BigInt(shard) * 2n ** 126n).toString(), Data: Buffer.alloc(bytes - 1) };
    return client.send(new PutRecordsCommand({ StreamName: streamName, Records: Array.from({ length: count }, () => record) }));
  };
  const horizon = async (shard: number): Promise<string> => {
    const input = { StreamName: streamName, ShardId: shardId(shard), ShardIteratorType: 'TRIM_HORIZON' } as const;
    return (await client.send(new GetShardIteratorCommand(input))).ShardIterator ?? '';
  };

  /** Does `step` at once and then every 50 ms, as a pacer that makes up for what it is late. */
  async function paced(step: () => Promise<void>): Promise<void> {
    const startedMs = performance.now();
    const under: Promise<void>[] = [];
    for (let i = 0; i * stepMs < runMs; i++) {
      await sleep(Math.max(0, startedMs + i * stepMs - performance.now()));
      if (performance.now() - startedMs < runMs) under.push(step());
    }
    await Promise.all(under);
  }

  async function offer(shard: number, count: number, bytes: number): Promise<{ offered: number; throttled: number }> {
    const tally = { offered: 0, throttled: 0 };
    await paced(async () => {
      const { Records = [], FailedRecordCount = 0 } = await put(shard, count, bytes);
      const refused = Records.filter(({ ErrorCode }) => ErrorCode === 'ProvisionedThroughputExceededException');
      assert.equal(refused.length, FailedRecordCount);
      tally.offered += count;
      tally.throttled += FailedRecordCount;
    });
    return tally;
  }

  async function poll(iterator: string): Promise<{ answered: number; bytes: number; throttled: number }> {
    const tally = { answered: 0, bytes: 0, throttled: 0 };
    await paced(async () => {
      try {
        const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator: iterator }));
        tally.answered += 1;
        tally.bytes += Records.reduce((sum, { Data, PartitionKey }) => sum + (Data?.length ?? 0) + (PartitionKey?.length ?? 0), 0);
      } catch (error) {
        if (!awsError('ProvisionedThroughputExceededException')(error)) throw error;
        tally.throttled += 1;
      }
    });
    return tally;
  }

  /** What each second holds, by the records' own arrival times, seconds counted from the first. */
  function perSecond(records: readonly Record_[]): number[] {
    const first = records[0]?.ApproximateArrivalTimestamp?.getTime() ?? 0;
    return Array.from(
      { length: seconds },
      (_, second) =>
        records.filter(({ ApproximateArrivalTimestamp: at }) => Math.floor(((at?.getTime() ?? Number.NaN) - first) / 1_000) === second)
          .length,
    );
  }

  it('takes exactly 1,000 records and 1 MiB, and answers 5 GetRecords and 2 MiB, in each second of three times as much', async () => {
    await put(shards.answers, 64, 8_192); // 0.5 MiB, which every answer holds
    const [calls, answers] = await Promise.all([horizon(shards.calls), horizon(shards.answers)]);
    const [records, bytes, polls, reads] = await Promise.all([
      offer(shards.records, 150, 2),
      offer(shards.bytes, 20, 8_192),
      poll(calls),
      poll(answers),
    ]);
    const stored = async (shard: number) =>
      (await client.send(new GetRecordsCommand({ ShardIterator: await horizon(shard) }))).Records ?? [];
    for (const [shard, tally, limit] of [
      [shards.records, records, 1_000],
      [shards.bytes, bytes, 1_048_576 / 8_192],
    ] as const) {
      const taken = await stored(shard);
      for (const count of perSecond(taken))
        assert.ok(Math.abs(count / limit - 1) <= within, `${perSecond(taken).join(' ')} against ${limit}`);
      assert.equal(taken.length + tally.throttled, tally.offered);
    }
    assert.equal(polls.answered, 5 * seconds);
    assert.equal(reads.answered, 4 * seconds);
    assert.equal(reads.bytes, 2_097_152 * seconds);
    assert.ok(polls.throttled > 2 * polls.answered && reads.throttled > 2 * reads.answered);
  });
});
