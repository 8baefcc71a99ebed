import assert from 'node:assert/strict';
import { GetRecordsCommand, PutRecordCommand, PutRecordsCommand, type PutRecordsResultEntry } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import type { TestStream } from '../session.ts';

const first = 'shardId-000000000000';
const throttled = 'ProvisionedThroughputExceededException';
const mib = 1_048_576;
const maxAnswerBytes = 10 * mib;

/** 2,000 records at once to one shard, which takes 1,000 a second: some fail, some do not. */
async function flood(context: Context, stream: TestStream): Promise<{ failed: number; entries: PutRecordsResultEntry[] }> {
  const records = Array.from({ length: 500 }, (_, i) => ({ PartitionKey: String(i), Data: Buffer.from('x') }));
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => context.attempt(new PutRecordsCommand({ StreamName: stream.name, Records: records }))),
  );
  const failed = answers.reduce((sum, { FailedRecordCount = 0 }) => sum + FailedRecordCount, 0);
  return { failed, entries: answers.flatMap(({ Records = [] }) => Records) };
}

async function refusals(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(calls);
  return results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as Error).name] : []));
}

export const limitChecks: readonly Check[] = [
  {
    id: 'PutRecords: a shard takes about 1,000 records in a second and refuses the others, entry by entry',
    cites: 'PutRecords: "Each shard can support writes up to 1,000 records per second"; ErrorCode ProvisionedThroughputExceededException',
    async run(context) {
      const { failed, entries } = await flood(context, await context.stream());
      const stored = entries.filter(({ SequenceNumber }) => SequenceNumber !== undefined).length;
      assert.ok(failed > 0, 'nothing was refused');
      assert.ok(stored > 0, 'nothing was stored');
      assert.equal(stored + failed, entries.length);
      assert.equal(entries.filter(({ ErrorCode }) => ErrorCode === throttled).length, failed);
    },
  },
  {
    id: 'PutRecords: a refused entry has ErrorCode and ErrorMessage, and neither ShardId nor SequenceNumber',
    cites: 'PutRecords: "An unsuccessfully processed record includes ErrorCode and ErrorMessage values"',
    async run(context) {
      const { entries } = await flood(context, await context.stream());
      const refused = entries.find(({ ErrorCode }) => ErrorCode !== undefined);
      assert.ok(refused, 'no entry was refused');
      assert.ok(refused.ErrorMessage);
      assert.deepEqual([refused.ShardId, refused.SequenceNumber], [undefined, undefined]);
    },
  },
  {
    id: 'PutRecords: the ErrorMessage of a refused entry names account, stream and shard',
    cites: 'PutRecords: "ErrorMessage provides ... the account ID, stream name, and shard ID of the record that was throttled"',
    async run(context) {
      const stream = await context.stream();
      const { entries } = await flood(context, stream);
      const refused = entries.find(({ ErrorCode }) => ErrorCode !== undefined);
      assert.ok(refused, 'no entry was refused');
      const message = refused.ErrorMessage ?? '';
      for (const part of [stream.name, first, stream.arn.split(':')[4] ?? ''])
        assert.ok(message.includes(part), `${message} lacks ${part}`);
    },
  },
  {
    id: 'PutRecords: only what was stored is read',
    cites: 'PutRecords: "A single record failure does not stop the processing of subsequent records"',
    async run(context) {
      const stream = await context.stream();
      const { entries } = await flood(context, stream);
      const stored = entries.flatMap(({ SequenceNumber }) => SequenceNumber ?? []);
      const { records } = await context.read(await context.iterator(stream, first), stored.length);
      assert.equal(records.length, stored.length);
      assert.deepEqual(new Set(records.map(({ SequenceNumber }) => SequenceNumber)), new Set(stored));
    },
  },
  {
    id: `PutRecord: more than 1 MiB in a second is refused with ${throttled}`,
    cites: `PutRecord: "If a PutRecord request cannot be processed because of insufficient provisioned throughput ..., PutRecord throws ${throttled}"`,
    async run(context) {
      const { name } = await context.stream();
      const put = () => context.attempt(new PutRecordCommand({ StreamName: name, PartitionKey: 'a', Data: Buffer.alloc(mib - 1) }));
      const names = await refusals(Array.from({ length: 6 }, put));
      assert.ok(names.length > 0, 'nothing was refused');
      assert.ok(
        names.every((refusal) => refusal === throttled),
        names.join(),
      );
    },
  },
  {
    id: `GetRecords: more than 5 calls in a second are refused with ${throttled}`,
    cites: 'GetRecords: "This operation has a limit of five transactions per second per shard"',
    async run(context) {
      const iterator = await context.iterator(await context.stream(), first);
      const names = await refusals(Array.from({ length: 20 }, () => context.attempt(new GetRecordsCommand({ ShardIterator: iterator }))));
      assert.ok(names.length > 0, 'nothing was refused');
      assert.ok(names.length < 20, 'everything was refused');
      assert.ok(
        names.every((refusal) => refusal === throttled),
        names.join(),
      );
    },
  },
  {
    id: `GetRecords: an answer has at most 10 MiB, and the calls after it are refused with ${throttled}`,
    cites: `GetRecords: "The maximum size of data that GetRecords can return is 10 MiB. If a call returns this amount of data, subsequent calls made within the next 5 seconds throw ${throttled}"`,
    async run(context) {
      const stream = await context.stream();
      for (let i = 0; i < 12; i++) await context.put(stream, 'a', 'x'.repeat(mib - 1));
      const iterator = await context.iterator(stream, first);
      const { Records = [], NextShardIterator } = await context.get(iterator);
      const bytes = Records.reduce((sum, { Data, PartitionKey = '' }) => sum + (Data?.length ?? 0) + Buffer.byteLength(PartitionKey), 0);
      assert.ok(bytes <= maxAnswerBytes, `${bytes} bytes`);
      assert.ok(Records.length >= 1);
      await context.refused(new GetRecordsCommand({ ShardIterator: NextShardIterator }), throttled);
    },
  },
];
