import assert from 'node:assert/strict';
import { GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { type Context, type Put, textsOf } from '../context.ts';
import { idOf, startOf } from '../hash-keys.ts';
import type { TestStream } from '../session.ts';

const first = 'shardId-000000000000';
const after = (sequence: string) => ({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: sequence }) as const;
const at = (sequence: string) => ({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequence }) as const;
const from = (Timestamp: Date) => ({ ShardIteratorType: 'AT_TIMESTAMP', Timestamp }) as const;

/** A stream of one shard with records 0, 1 and 2. */
async function three(context: Context): Promise<{ stream: TestStream; puts: Put[] }> {
  const stream = await context.stream();
  const puts: Put[] = [];
  for (const text of ['0', '1', '2']) puts.push(await context.put(stream, 'a', text));
  return { stream, puts };
}

const positions: readonly {
  id: string;
  cites: string;
  which: (puts: readonly Put[]) => ReturnType<typeof at | typeof after>;
  expected: string[];
}[] = [
  {
    id: 'GetShardIterator: AT_SEQUENCE_NUMBER of the first record reads it and all behind it',
    cites: 'ShardIteratorType: "AT_SEQUENCE_NUMBER - Start reading from the position denoted by a specific sequence number"',
    which: (puts) => at(puts[0]?.sequence ?? ''),
    expected: ['0', '1', '2'],
  },
  {
    id: 'GetShardIterator: AT_SEQUENCE_NUMBER of a later record begins with that record',
    cites: 'ShardIteratorType: "AT_SEQUENCE_NUMBER - Start reading from the position denoted by a specific sequence number"',
    which: (puts) => at(puts[1]?.sequence ?? ''),
    expected: ['1', '2'],
  },
  {
    id: 'GetShardIterator: AFTER_SEQUENCE_NUMBER begins right behind that record',
    cites: 'ShardIteratorType: "AFTER_SEQUENCE_NUMBER - Start reading right after the position denoted by a specific sequence number"',
    which: (puts) => after(puts[0]?.sequence ?? ''),
    expected: ['1', '2'],
  },
];

export const iteratorChecks: readonly Check[] = [
  ...positions.map(
    ({ id, cites, which, expected }): Check => ({
      id,
      cites,
      async run(context) {
        const { stream, puts } = await three(context);
        const { records } = await context.read(await context.iterator(stream, first, which(puts)), expected.length);
        assert.deepEqual(textsOf(records), expected);
      },
    }),
  ),
  {
    id: 'GetShardIterator: AFTER_SEQUENCE_NUMBER of the last record reads what comes next',
    cites: 'ShardIteratorType: "AFTER_SEQUENCE_NUMBER - Start reading right after the position denoted by a specific sequence number"',
    async run(context) {
      const { stream, puts } = await three(context);
      const iterator = await context.iterator(stream, first, after(puts[2]?.sequence ?? ''));
      await context.put(stream, 'a', 'next');
      assert.deepEqual(textsOf((await context.read(iterator, 1)).records), ['next']);
    },
  },
  {
    id: "GetShardIterator: AT_SEQUENCE_NUMBER of the shard's StartingSequenceNumber reads from its first record",
    cites: 'GetShardIterator: "using sequence numbers returned by earlier calls to PutRecord, PutRecords, GetRecords, or DescribeStream"',
    async run(context) {
      const { stream } = await three(context);
      const start = stream.shards[0]?.SequenceNumberRange?.StartingSequenceNumber ?? '';
      const { records } = await context.read(await context.iterator(stream, first, at(start)), 3);
      assert.deepEqual(textsOf(records), ['0', '1', '2']);
    },
  },
  {
    id: 'GetShardIterator: TRIM_HORIZON reads from the oldest record',
    cites: 'ShardIteratorType: "TRIM_HORIZON - Start reading at the last untrimmed record in the shard, which is the oldest data record"',
    async run(context) {
      const { stream } = await three(context);
      assert.deepEqual(textsOf((await context.read(await context.iterator(stream, first), 3)).records), ['0', '1', '2']);
    },
  },
  {
    id: 'GetShardIterator: LATEST reads only what is put after it',
    cites: 'ShardIteratorType: "LATEST - Start reading just after the most recent record in the shard"',
    async run(context) {
      const { stream } = await three(context);
      const iterator = await context.iterator(stream, first, { ShardIteratorType: 'LATEST' });
      await context.put(stream, 'a', 'new');
      assert.deepEqual(textsOf((await context.read(iterator, 1)).records), ['new']);
    },
  },
  {
    id: 'GetShardIterator: AT_TIMESTAMP older than all records reads from the oldest',
    cites:
      'GetShardIterator, Timestamp: "If the time stamp is older than the current trim horizon, the iterator returned is for the oldest"',
    async run(context) {
      const { stream } = await three(context);
      const { records } = await context.read(await context.iterator(stream, first, from(new Date(context.now() - 3_600_000))), 3);
      assert.deepEqual(textsOf(records), ['0', '1', '2']);
    },
  },
  {
    id: "GetShardIterator: AT_TIMESTAMP of a record's arrival reads from that record",
    cites: 'GetShardIterator, Timestamp: "The time stamp of the data record from which to start reading"',
    async run(context) {
      const stream = await context.stream();
      const startedAt = context.now();
      await context.put(stream, 'a', '0');
      // Apart by more than the precision of the arrival time.
      await context.until('some time has passed', async () => (context.now() > startedAt + 50 ? true : undefined));
      await context.put(stream, 'a', '1');
      const { records } = await context.read(await context.iterator(stream, first), 2);
      const arrival = records[1]?.ApproximateArrivalTimestamp ?? new Date(0);
      const read = await context.read(await context.iterator(stream, first, from(arrival)), 1);
      assert.deepEqual(textsOf(read.records), ['1']);
    },
  },
  {
    id: 'GetShardIterator: AT_TIMESTAMP between two records begins with the later one',
    cites:
      'GetShardIterator, Timestamp: "If a record with this exact time stamp does not exist, the iterator returned is for the next (later) record"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', '0');
      context.pass(10_000);
      const between = new Date(context.now());
      context.pass(10_000);
      await context.put(stream, 'a', '1');
      const { records } = await context.read(await context.iterator(stream, first, from(between)), 1);
      assert.deepEqual(textsOf(records), ['1']);
    },
  },
  {
    id: 'GetShardIterator: AT_TIMESTAMP in the future is refused with InvalidArgumentException',
    cites: 'GetShardIterator, Timestamp: "The time stamp of the data record from which to start reading"; InvalidArgumentException',
    async run(context) {
      const { name } = await context.shared();
      const command = new GetShardIteratorCommand({ StreamName: name, ShardId: first, ...from(new Date(context.now() + 3_600_000)) });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  {
    id: 'GetShardIterator: AT_TIMESTAMP without Timestamp is refused with InvalidArgumentException',
    cites: 'GetShardIterator, Timestamp: "Used with shard iterator type AT_TIMESTAMP"',
    async run(context) {
      const { name } = await context.shared();
      const command = new GetShardIteratorCommand({ StreamName: name, ShardId: first, ShardIteratorType: 'AT_TIMESTAMP' });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  ...(['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const).flatMap((type): Check[] => [
    {
      id: `GetShardIterator: ${type} without StartingSequenceNumber is refused with InvalidArgumentException`,
      cites: 'GetShardIterator, StartingSequenceNumber: "Used with shard iterator type AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER"',
      async run(context) {
        const { name } = await context.shared();
        const command = new GetShardIteratorCommand({ StreamName: name, ShardId: first, ShardIteratorType: type });
        await context.refused(command, 'InvalidArgumentException');
      },
    },
    {
      id: `GetShardIterator: ${type} of another shard's record is refused with InvalidArgumentException`,
      cites: 'GetShardIterator, StartingSequenceNumber: "The sequence number of the data record in the shard from which to start reading"',
      async run(context) {
        const stream = await context.shared(3);
        const [, other] = stream.shards;
        if (other === undefined) assert.fail('a shared stream of 3 shards has a second');
        const { sequence } = await context.put(stream, 'a', 'a', { ExplicitHashKey: startOf(other).toString() });
        const command = new GetShardIteratorCommand({
          StreamName: stream.name,
          ShardId: idOf(stream.shards[0]),
          ShardIteratorType: type,
          StartingSequenceNumber: sequence,
        });
        await context.refused(command, 'InvalidArgumentException');
      },
    },
  ]),
  ...(['TRIM_HORIZON', 'LATEST'] as const).map(
    (type): Check => ({
      id: `GetShardIterator: ${type} with a StartingSequenceNumber is refused with InvalidArgumentException`,
      cites: 'GetShardIterator, StartingSequenceNumber: "Used with shard iterator type AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER"',
      async run(context) {
        const stream = await context.shared();
        const { sequence } = await context.put(stream, 'a');
        const command = new GetShardIteratorCommand({
          StreamName: stream.name,
          ShardId: first,
          ShardIteratorType: type,
          StartingSequenceNumber: sequence,
        });
        await context.refused(command, 'InvalidArgumentException');
      },
    }),
  ),
  {
    id: 'GetShardIterator: a shard that is not there is refused with ResourceNotFoundException',
    cites: 'GetShardIterator, Errors: ResourceNotFoundException',
    async run(context) {
      const { name } = await context.shared();
      const command = new GetShardIteratorCommand({ StreamName: name, ShardId: 'shardId-000000000009', ShardIteratorType: 'LATEST' });
      await context.refused(command, 'ResourceNotFoundException');
    },
  },
  {
    id: 'GetShardIterator: a stream that is not there is refused with ResourceNotFoundException',
    cites: 'GetShardIterator, Errors: ResourceNotFoundException',
    async run(context) {
      const command = new GetShardIteratorCommand({ StreamName: context.name(), ShardId: first, ShardIteratorType: 'LATEST' });
      await context.refused(command, 'ResourceNotFoundException');
    },
  },
  {
    id: 'GetShardIterator: takes StreamARN instead of StreamName',
    cites: 'GetShardIterator: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { arn } = await context.shared();
      const command = new GetShardIteratorCommand({ StreamARN: arn, ShardId: first, ShardIteratorType: 'LATEST' });
      assert.ok((await context.send(command)).ShardIterator);
    },
  },
  {
    id: 'GetShardIterator: an iterator has at most 512 characters',
    cites: 'GetShardIterator, ShardIterator: "Length Constraints: Minimum length of 1. Maximum length of 512"',
    async run(context) {
      const stream = await context.shared();
      assert.ok((await context.iterator(stream, first)).length <= 512);
    },
  },
  {
    id: 'GetRecords: an invented iterator is refused with InvalidArgumentException',
    cites: 'GetRecords, Errors: InvalidArgumentException: "A specified parameter ... can\'t be used"',
    run: async (context) =>
      void (await context.refused(new GetRecordsCommand({ ShardIterator: 'AAAAAAAAAAFinvented' }), 'InvalidArgumentException')),
  },
  {
    id: 'GetRecords: an iterator with one character changed is refused with InvalidArgumentException',
    cites: 'GetRecords, Errors: InvalidArgumentException: "A specified parameter ... can\'t be used"',
    async run(context) {
      const iterator = await context.iterator(await context.shared(), first);
      const middle = Math.floor(iterator.length / 2);
      const changed = `${iterator.slice(0, middle)}${iterator[middle] === 'A' ? 'B' : 'A'}${iterator.slice(middle + 1)}`;
      await context.refused(new GetRecordsCommand({ ShardIterator: changed }), 'InvalidArgumentException');
    },
  },
  {
    id: 'GetRecords: an iterator can be used 4 minutes and 59 seconds after it was given out',
    cites: 'GetShardIterator: "A shard iterator expires 5 minutes after it is returned to the requester"',
    needs: ['clock'],
    async run(context) {
      const iterator = await context.iterator(await context.shared(), first);
      context.pass(299_000);
      await context.get(iterator);
    },
  },
  {
    id: 'GetRecords: an iterator older than 5 minutes is refused with ExpiredIteratorException',
    cites: 'GetShardIterator: "A shard iterator expires 5 minutes after it is returned"; GetRecords, Errors: ExpiredIteratorException',
    needs: ['clock'],
    async run(context) {
      const iterator = await context.iterator(await context.shared(), first);
      context.pass(301_000);
      await context.refused(new GetRecordsCommand({ ShardIterator: iterator }), 'ExpiredIteratorException');
    },
  },
];
