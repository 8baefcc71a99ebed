import assert from 'node:assert/strict';
import { PutRecordCommand, PutRecordsCommand, type PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { textOf, textsOf } from '../context.ts';
import { endOf, hashKeyOf, hashKeys, idOf, inOrder, ownerOf, startOf } from '../hash-keys.ts';

const recordBytes = 1_048_576;
const requestBytes = 10_485_760;
const entry = (key: string, bytes = 1, extra: Partial<PutRecordsRequestEntry> = {}): PutRecordsRequestEntry => ({
  PartitionKey: key,
  Data: Buffer.alloc(bytes, 'x'),
  ...extra,
});
const sequencePattern = /^(0|[1-9]\d{0,128})$/;
const recordSize =
  'PutRecord, Data: "the total size must not exceed the maximum record size"; CreateStream, MaxRecordSizeInKiB: 1,024 by default';

export const putChecks: readonly Check[] = [
  {
    id: 'PutRecord: answers the shard and a sequence number of up to 129 digits',
    cites: 'PutRecord: "returns the shard ID of where the data record was placed and the sequence number"; SequenceNumber, Pattern',
    async run(context) {
      const { shardId, sequence } = await context.put(await context.shared(), 'a');
      assert.equal(shardId, 'shardId-000000000000');
      assert.match(sequence, sequencePattern);
    },
  },
  {
    id: 'PutRecord: data, key and arrival time come back as they were put',
    cites: 'Record: "The data blob ... is both opaque and immutable to Kinesis Data Streams"',
    async run(context) {
      const stream = await context.stream();
      const data = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
      const before = context.now();
      const answer = await context.send(new PutRecordCommand({ StreamName: stream.name, PartitionKey: 'ключ 鍵 🔑', Data: data }));
      const { records } = await context.read(await context.iterator(stream, answer.ShardId ?? ''), 1);
      assert.deepEqual(Buffer.from(records[0]?.Data ?? []), data);
      assert.equal(records[0]?.PartitionKey, 'ключ 鍵 🔑');
      assert.equal(records[0]?.SequenceNumber, answer.SequenceNumber);
      const arrival = records[0]?.ApproximateArrivalTimestamp?.getTime() ?? 0;
      assert.ok(Math.abs(arrival - before) < 300_000, `${arrival} is not near ${before}`);
    },
  },
  {
    id: 'PutRecord: the shard is the one whose range holds the MD5 of the key in UTF-8',
    cites: 'PutRecord, PartitionKey: "an MD5 hash function is used to map partition keys to 128-bit integer values"',
    async run(context) {
      const stream = await context.shared(3);
      for (const key of ['a', 'b', 'c', 'user-42', 'ключ', '鍵', '🔑', ' ', '"\\']) {
        assert.equal((await context.put(stream, key)).shardId, ownerOf(stream.shards, hashKeyOf(key)), key);
      }
    },
  },
  {
    id: 'PutRecord: ExplicitHashKey overrides the hash of the key, at both ends of every shard',
    cites: 'PutRecord, ExplicitHashKey: "used to explicitly determine the shard the data record is assigned to"',
    async run(context) {
      const stream = await context.shared(3);
      for (const shard of inOrder(stream.shards)) {
        for (const hashKey of [startOf(shard), endOf(shard)]) {
          const { shardId } = await context.put(stream, 'a', 'a', { ExplicitHashKey: hashKey.toString() });
          assert.equal(shardId, idOf(shard), hashKey.toString());
        }
      }
    },
  },
  {
    id: 'PutRecord: ExplicitHashKey 2^128 is refused with InvalidArgumentException',
    cites: 'PutRecord, ExplicitHashKey: pattern 0|([1-9]\\d{0,38}); PutRecord: "128-bit integer values"',
    async run(context) {
      const { name } = await context.shared();
      const command = new PutRecordCommand({ StreamName: name, ...entry('a', 1, { ExplicitHashKey: hashKeys.toString() }) });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  {
    id: 'PutRecord: ExplicitHashKey with a leading zero is refused with ValidationException',
    cites: 'PutRecord, ExplicitHashKey: "Pattern: 0|([1-9]\\d{0,38})"',
    async run(context) {
      const { name } = await context.shared();
      const command = new PutRecordCommand({ StreamName: name, PartitionKey: 'a', Data: Buffer.from('a'), ExplicitHashKey: '01' });
      await context.refused(command, 'ValidationException');
    },
  },
  {
    id: 'PutRecord: a key of 256 characters is taken, and counts characters and not bytes',
    cites: 'PutRecord: "Partition keys are Unicode strings, with a maximum length limit of 256 characters for each key"',
    async run(context) {
      const stream = await context.shared();
      await context.put(stream, 'k'.repeat(256), 'x');
      await context.put(stream, 'ж'.repeat(256), 'x');
    },
  },
  {
    id: 'PutRecord: empty data are taken',
    cites: 'PutRecord, Data: "Length Constraints: Minimum length of 0"',
    async run(context) {
      const stream = await context.stream();
      const { shardId } = await context.put(stream, 'a', '');
      const { records } = await context.read(await context.iterator(stream, shardId), 1);
      assert.equal(records[0]?.Data?.length, 0);
    },
  },
  {
    id: 'PutRecord: data and key of 1 MiB together are taken',
    cites: recordSize,
    async run(context) {
      const stream = await context.stream();
      await context.send(new PutRecordCommand({ StreamName: stream.name, PartitionKey: 'kk', Data: Buffer.alloc(recordBytes - 2) }));
    },
  },
  {
    id: 'PutRecord: data of 1 MiB and one byte are refused with ValidationException',
    cites: recordSize,
    async run(context) {
      const { name } = await context.stream();
      const command = new PutRecordCommand({ StreamName: name, PartitionKey: 'k', Data: Buffer.alloc(recordBytes + 1) });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'PutRecord: data and key of 1 MiB and one byte together are refused',
    cites: recordSize,
    async run(context) {
      const { name } = await context.stream();
      const command = new PutRecordCommand({ StreamName: name, PartitionKey: 'kk', Data: Buffer.alloc(recordBytes - 1) });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'PutRecord: sequence numbers of one shard rise, each time its predecessor is given',
    cites: 'PutRecord, SequenceNumberForOrdering: "Guarantees strictly increasing sequence numbers, for puts from the same client"',
    async run(context) {
      const stream = await context.stream();
      let last: string | undefined;
      for (let i = 0; i < 5; i++) {
        const answer = await context.send(
          new PutRecordCommand({
            StreamName: stream.name,
            PartitionKey: 'a',
            Data: Buffer.from([i]),
            ...(last === undefined ? {} : { SequenceNumberForOrdering: last }),
          }),
        );
        if (last !== undefined) assert.ok(BigInt(answer.SequenceNumber ?? '') > BigInt(last));
        last = answer.SequenceNumber;
      }
    },
  },
  {
    id: 'PutRecord: a SequenceNumberForOrdering that is none is refused',
    cites: 'PutRecord, SequenceNumberForOrdering: "Pattern: 0|([1-9]\\d{0,128})"',
    async run(context) {
      const { name } = await context.shared();
      const command = new PutRecordCommand({ StreamName: name, PartitionKey: 'a', Data: Buffer.from('a'), SequenceNumberForOrdering: 'x' });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'PutRecord: takes StreamARN instead of StreamName',
    cites: 'PutRecord: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { arn } = await context.shared();
      await context.send(new PutRecordCommand({ StreamARN: arn, PartitionKey: 'a', Data: Buffer.from('a') }));
    },
  },
  {
    id: 'PutRecords: results stand in the order of the entries, one for each',
    cites: 'PutRecords: "Each record in the response array directly correlates with a record in the request array"',
    async run(context) {
      const stream = await context.shared(3);
      const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`);
      const results = await context.putAll(
        stream,
        keys.map((key) => entry(key)),
      );
      assert.deepEqual(
        results.map(({ ShardId }) => ShardId),
        keys.map((key) => ownerOf(stream.shards, hashKeyOf(key))),
      );
    },
  },
  {
    id: 'PutRecords: FailedRecordCount is 0 when all are stored, and no entry has an ErrorCode',
    cites: 'PutRecords, FailedRecordCount: "The number of unsuccessfully processed records in a PutRecords request"',
    async run(context) {
      const { name } = await context.shared();
      const answer = await context.send(new PutRecordsCommand({ StreamName: name, Records: [entry('a'), entry('b')] }));
      assert.equal(answer.FailedRecordCount, 0);
      assert.ok(answer.Records?.every(({ ErrorCode, ErrorMessage }) => ErrorCode === undefined && ErrorMessage === undefined));
    },
  },
  {
    id: 'PutRecords: sequence numbers are unique over the stream',
    cites: 'PutRecords: "an identifier assigned to the put record, unique to all records in the stream"',
    async run(context) {
      const stream = await context.shared(3);
      const results = await context.putAll(
        stream,
        Array.from({ length: 100 }, (_, i) => entry(String(i))),
      );
      assert.equal(new Set(results.map(({ SequenceNumber }) => SequenceNumber)).size, 100);
    },
  },
  {
    id: 'PutRecords: sequence numbers rise over time within a shard',
    cites: 'PutRecord: "Sequence numbers increase over time and are specific to a shard within a stream"',
    async run(context) {
      const stream = await context.stream();
      const [first] = await context.putAll(stream, [entry('a')]);
      const [second] = await context.putAll(stream, [entry('a')]);
      assert.ok(BigInt(second?.SequenceNumber ?? '') > BigInt(first?.SequenceNumber ?? ''));
    },
  },
  {
    id: "PutRecords: an entry's ExplicitHashKey overrides its key",
    cites: 'PutRecords: "ExplicitHashKey, which overrides the partition key to shard mapping"',
    async run(context) {
      const stream = await context.shared(3);
      const shards = inOrder(stream.shards);
      const results = await context.putAll(
        stream,
        shards.map((shard) => entry('same', 1, { ExplicitHashKey: startOf(shard).toString() })),
      );
      assert.deepEqual(
        results.map(({ ShardId }) => ShardId),
        shards.map(idOf),
      );
    },
  },
  {
    id: 'PutRecords: 500 records are taken',
    cites: 'PutRecords: "Each PutRecords request can support up to 500 records"',
    async run(context) {
      const stream = await context.stream();
      const results = await context.putAll(
        stream,
        Array.from({ length: 500 }, (_, i) => entry(String(i))),
      );
      assert.equal(results.filter(({ SequenceNumber }) => SequenceNumber !== undefined).length, 500);
    },
  },
  {
    id: 'PutRecords: 501 records are refused with ValidationException',
    cites: 'PutRecords, Records: "Array Members: Minimum number of 1 item. Maximum number of 500 items"',
    async run(context) {
      const { name } = await context.stream();
      const command = new PutRecordsCommand({ StreamName: name, Records: Array.from({ length: 501 }, () => entry('a')) });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'PutRecords: no records are refused with ValidationException',
    cites: 'PutRecords, Records: "Array Members: Minimum number of 1 item"',
    async run(context) {
      const { name } = await context.shared();
      await context.refused(new PutRecordsCommand({ StreamName: name, Records: [] }), 'ValidationException');
    },
  },
  {
    id: 'PutRecords: a request of more than 10 MiB is refused',
    cites: 'PutRecords: "up to a limit of 10 MiB for the entire request, including partition keys"',
    async run(context) {
      const { name } = await context.stream();
      const records = Array.from({ length: 11 }, () => entry('k', Math.ceil(requestBytes / 11)));
      await context.refused(
        new PutRecordsCommand({ StreamName: name, Records: records }),
        'ValidationException',
        'InvalidArgumentException',
      );
    },
  },
  {
    id: 'PutRecords: one malformed entry refuses the whole request, and nothing is stored',
    cites: 'PutRecords, PartitionKey: "Length Constraints: Minimum length of 1"; Common Errors: ValidationError',
    async run(context) {
      const stream = await context.stream();
      await context.refused(new PutRecordsCommand({ StreamName: stream.name, Records: [entry('a'), entry('')] }), 'ValidationException');
      const marker = await context.put(stream, 'marker');
      const { records } = await context.read(await context.iterator(stream, marker.shardId), 1);
      assert.deepEqual(textsOf(records), ['marker']);
    },
  },
  {
    id: 'PutRecords: takes StreamARN instead of StreamName',
    cites: 'PutRecords: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { arn } = await context.shared();
      const { FailedRecordCount } = await context.send(new PutRecordsCommand({ StreamARN: arn, Records: [entry('a')] }));
      assert.equal(FailedRecordCount, 0);
    },
  },
  {
    id: 'PutRecord: records of one shard, put one after the other, are read in that order',
    cites: 'PutRecords: "If you need to read records in the same order they are written to the stream, use PutRecord"',
    async run(context) {
      const stream = await context.stream();
      const put = ['0', '1', '2', '3', '4', '5'];
      for (const text of put) await context.put(stream, 'a', text);
      const { records } = await context.read(await context.iterator(stream, idOf(stream.shards[0])), put.length);
      assert.deepEqual(records.map(textOf), put);
    },
  },
];
