import assert from 'node:assert/strict';
import { GetRecordsCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { type Context, textsOf } from '../context.ts';
import type { TestStream } from '../session.ts';

const first = 'shardId-000000000000';

async function filled(context: Context, count: number): Promise<TestStream> {
  const stream = await context.stream();
  const entries = Array.from({ length: count }, (_, i) => ({ PartitionKey: 'a', Data: Buffer.from(String(i)) }));
  const results = await context.putAll(stream, entries);
  assert.ok(results.every(({ ErrorCode }) => ErrorCode === undefined));
  return stream;
}

export const getRecordsChecks: readonly Check[] = [
  {
    id: 'GetRecords: an empty shard gives an empty list, a next iterator and MillisBehindLatest 0',
    cites: 'GetRecords: "If there are no records available in the portion of the shard ..., GetRecords returns an empty list"',
    async run(context) {
      const stream = await context.stream();
      const answer = await context.get(await context.iterator(stream, first));
      assert.deepEqual([answer.Records, answer.MillisBehindLatest], [[], 0]);
      assert.ok(answer.NextShardIterator);
    },
  },
  {
    id: 'GetRecords: an open shard always gives a next iterator, another one each time',
    cites: 'GetShardIterator: "A new shard iterator is returned by every GetRecords request in NextShardIterator"',
    async run(context) {
      const stream = await context.stream();
      const iterator = await context.iterator(stream, first);
      const { NextShardIterator } = await context.get(iterator);
      assert.ok(NextShardIterator);
      assert.notEqual(NextShardIterator, iterator);
    },
  },
  {
    id: 'GetRecords: Limit 1 answers one record',
    cites: 'GetRecords, Limit: "The maximum number of records to return"',
    async run(context) {
      const stream = await filled(context, 3);
      const answer = await context.get(await context.iterator(stream, first), 1);
      assert.deepEqual(textsOf(answer.Records ?? []), ['0']);
    },
  },
  {
    id: 'GetRecords: NextShardIterator goes on right behind the answer',
    cites: 'GetRecords, NextShardIterator: "The next position in the shard from which to start sequentially reading data records"',
    async run(context) {
      const stream = await filled(context, 3);
      const one = await context.get(await context.iterator(stream, first), 2);
      assert.deepEqual(textsOf((await context.read(one.NextShardIterator ?? '', 1)).records), ['2']);
    },
  },
  {
    id: 'GetRecords: the same iterator reads the same records again',
    cites: 'GetRecords, ShardIterator: "specifies the position in the shard from which you want to start reading"',
    async run(context) {
      const stream = await filled(context, 3);
      const iterator = await context.iterator(stream, first);
      assert.deepEqual((await context.read(iterator, 3)).records, (await context.read(iterator, 3)).records);
    },
  },
  {
    id: 'GetRecords: MillisBehindLatest is above 0 while records remain, and 0 at the tip',
    cites: 'GetRecords, MillisBehindLatest: "A value of zero indicates that record processing is caught up"',
    async run(context) {
      const stream = await filled(context, 3);
      await context.until('the records have an age', async () => {
        const answer = await context.get(await context.iterator(stream, first), 1);
        return (answer.MillisBehindLatest ?? 0) > 0 ? true : undefined;
      });
      const { last } = await context.read(await context.iterator(stream, first));
      assert.equal(last.MillisBehindLatest, 0);
    },
  },
  {
    id: 'GetRecords: MillisBehindLatest grows with the age of what is unread',
    cites: 'GetRecords, MillisBehindLatest: "The number of milliseconds the GetRecords response is from the tip of the stream"',
    needs: ['clock'],
    async run(context) {
      const stream = await filled(context, 2);
      context.pass(60_000);
      const answer = await context.get(await context.iterator(stream, first), 1);
      assert.ok((answer.MillisBehindLatest ?? 0) >= 60_000, String(answer.MillisBehindLatest));
    },
  },
  {
    id: 'GetRecords: records carry no more than the API names',
    cites: 'Record: SequenceNumber, ApproximateArrivalTimestamp, Data, PartitionKey, EncryptionType',
    async run(context) {
      const stream = await filled(context, 1);
      const answer = await context.operation('GetRecords', { ShardIterator: await context.iterator(stream, first) });
      const [record = {}] = (answer.value?.['Records'] ?? []) as Record<string, unknown>[];
      const named = new Set(['SequenceNumber', 'ApproximateArrivalTimestamp', 'Data', 'PartitionKey', 'EncryptionType']);
      assert.deepEqual(
        Object.keys(record).filter((member) => !named.has(member)),
        [],
      );
      for (const member of ['SequenceNumber', 'Data', 'PartitionKey']) assert.equal(typeof record[member], 'string', member);
    },
  },
  {
    id: 'GetRecords: an open shard names no ChildShards',
    cites: 'GetRecords, ChildShards: "returned ... only when the end of the current shard is reached"',
    async run(context) {
      const stream = await filled(context, 1);
      const { last } = await context.read(await context.iterator(stream, first));
      assert.ok(last.ChildShards === undefined || last.ChildShards.length === 0);
    },
  },
  {
    id: 'GetRecords: Limit 10,000 is taken',
    cites: 'GetRecords, Limit: "Specify a value of up to 10,000"',
    async run(context) {
      await context.get(await context.iterator(await context.stream(), first), 10_000);
    },
  },
  {
    id: 'GetRecords: Limit 10,001 is refused',
    cites:
      'GetRecords, Limit: "greater than 10,000, GetRecords throws InvalidArgumentException"; the range itself is a ValidationException',
    async run(context) {
      const iterator = await context.iterator(await context.shared(), first);
      await context.refused(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: 10_001 }),
        'InvalidArgumentException',
        'ValidationException',
      );
    },
  },
  {
    id: 'GetRecords: Limit 0 is refused with ValidationException',
    cites: 'GetRecords, Limit: "Valid Range: Minimum value of 1. Maximum value of 10000"',
    async run(context) {
      const iterator = await context.iterator(await context.shared(), first);
      await context.refused(new GetRecordsCommand({ ShardIterator: iterator, Limit: 0 }), 'ValidationException');
    },
  },
  {
    id: 'GetRecords: takes StreamARN beside the iterator',
    cites: 'GetRecords, StreamARN: "The ARN of the stream"',
    async run(context) {
      const stream = await context.shared();
      await context.send(new GetRecordsCommand({ ShardIterator: await context.iterator(stream, first), StreamARN: stream.arn }));
    },
  },
];
