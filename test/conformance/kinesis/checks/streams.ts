import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  ListTagsForStreamCommand,
  PutRecordCommand,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { assertTiles, endOf, idOf, startOf } from '../hash-keys.ts';

const clockToleranceMs = 300_000;

const summaryOf = async (context: Context, name: string) =>
  (await context.send(new DescribeStreamSummaryCommand({ StreamName: name }))).StreamDescriptionSummary ?? assert.fail('no summary');
const descriptionOf = async (context: Context, name: string) =>
  (await context.send(new DescribeStreamCommand({ StreamName: name }))).StreamDescription ?? assert.fail('no description');

/** The life of a stream, and what is told of it. */
export const streamChecks: readonly Check[] = [
  {
    id: 'CreateStream: right after it the stream is CREATING, or already ACTIVE',
    cites: 'CreateStream: "immediately returns and sets the stream status to CREATING. After the stream is created, ... to ACTIVE"',
    async run(context) {
      const name = context.name();
      await context.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }));
      const { StreamStatus } = await summaryOf(context, name);
      assert.match(StreamStatus ?? '', /^(CREATING|ACTIVE)$/);
      await context.active(name);
    },
  },
  {
    id: 'CreateStream: the answer has an empty body',
    cites: 'CreateStream: "If the action is successful, the service sends back an HTTP 200 response with an empty HTTP body"',
    async run(context) {
      const answer = await context.operation('CreateStream', { StreamName: context.name(), ShardCount: 1 });
      assert.deepEqual([answer.status, answer.body.length], [200, 0]);
    },
  },
  {
    id: 'CreateStream: a name that exists is refused with ResourceInUseException',
    cites: 'CreateStream, Errors: ResourceInUseException',
    async run(context) {
      const { name } = await context.shared();
      await context.refused(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }), 'ResourceInUseException');
    },
  },
  {
    id: 'CreateStream: ShardCount shards are made, with ids of 12 digits from 0 on',
    cites: 'CreateStream, ShardCount: "The number of shards that the stream will use"; ids as in the examples of ListShards',
    async run(context) {
      const { shards } = await context.shared(3);
      assert.deepEqual(shards.map(idOf).sort(), ['shardId-000000000000', 'shardId-000000000001', 'shardId-000000000002']);
    },
  },
  {
    id: 'CreateStream: the shards tile the hash key space from 0 to 2^128 - 1',
    cites: 'HashKeyRange: "a set of ordered contiguous positive integers"; PutRecord: "128-bit integer values"',
    run: async (context) => assertTiles((await context.shared(3)).shards),
  },
  {
    id: 'CreateStream: the shards are of equal size',
    cites: 'Developer Guide, resharding: a stream begins with its hash key space divided evenly',
    async run(context) {
      const sizes = (await context.shared(3)).shards.map((shard) => endOf(shard) - startOf(shard));
      const least = sizes.reduce((a, b) => (a < b ? a : b));
      assert.ok(
        sizes.every((size) => size - least <= 2n),
        String(sizes),
      );
    },
  },
  {
    id: 'CreateStream: first shards are open and have no parent',
    cites: 'Shard: ParentShardId is "the shard ID of the shard\'s parent"; OPEN shards have no EndingSequenceNumber',
    async run(context) {
      for (const shard of (await context.stream(2)).shards) {
        assert.equal(shard.ParentShardId, undefined);
        assert.equal(shard.AdjacentParentShardId, undefined);
        assert.equal(shard.SequenceNumberRange?.EndingSequenceNumber, undefined);
        assert.match(shard.SequenceNumberRange?.StartingSequenceNumber ?? '', /^(0|[1-9]\d{0,128})$/);
      }
    },
  },
  {
    id: 'CreateStream: a name of 128 characters of all permitted kinds is taken',
    cites: 'CreateStream, StreamName: "Length Constraints: Maximum length of 128. Pattern: [a-zA-Z0-9_.-]+"',
    async run(context) {
      const name = `${context.name()}_.-aZ09`.padEnd(128, 'x');
      await context.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }));
      await context.active(name);
    },
  },
  {
    id: 'CreateStream: PROVISIONED mode without ShardCount is refused',
    cites: 'CreateStream: "For the data streams with a provisioned mode, you must specify the number of shards"',
    run: async (context) => {
      const command = new CreateStreamCommand({ StreamName: context.name(), StreamModeDetails: { StreamMode: 'PROVISIONED' } });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'CreateStream: ON_DEMAND mode begins with 4 shards',
    cites: 'Developer Guide, on-demand mode: "create a new data stream with the on-demand mode ... 4 MB/s of write": 4 shards',
    async run(context) {
      const name = context.name();
      await context.send(new CreateStreamCommand({ StreamName: name, StreamModeDetails: { StreamMode: 'ON_DEMAND' } }));
      const { shards } = await context.active(name);
      assert.equal(shards.length, 4);
      assert.equal((await summaryOf(context, name)).StreamModeDetails?.StreamMode, 'ON_DEMAND');
    },
  },
  {
    id: 'CreateStream: ON_DEMAND mode with ShardCount is refused',
    cites: 'ValidationException: "you tried to invoke this API for a data stream with the on-demand capacity mode"',
    async run(context) {
      const command = new CreateStreamCommand({
        StreamName: context.name(),
        ShardCount: 2,
        StreamModeDetails: { StreamMode: 'ON_DEMAND' },
      });
      await context.refused(command, 'ValidationException', 'InvalidArgumentException');
    },
  },
  {
    id: 'CreateStream: more shards than the account may have is refused with LimitExceededException',
    cites: 'CreateStream: "You receive a LimitExceededException when ... Create more shards than are authorized for your account"',
    async run(context) {
      await context.rest(1_000); // so that it is not the rate of calls
      await context.refused(new CreateStreamCommand({ StreamName: context.name(), ShardCount: 100_000 }), 'LimitExceededException');
    },
  },
  {
    id: 'CreateStream: Tags are on the stream',
    cites: 'CreateStream, Tags: "Tags will take effect from the CREATING status of the stream"',
    async run(context) {
      const { name } = await context.stream(1, { Tags: { team: 'a', cost: 'b' } });
      const { Tags = [] } = await context.send(new ListTagsForStreamCommand({ StreamName: name }));
      assert.deepEqual(Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])), { team: 'a', cost: 'b' });
    },
  },
  {
    id: 'DescribeStreamSummary: tells name, ARN, mode, retention of 24 h, no encryption, no enhanced metrics',
    cites: 'StreamDescriptionSummary; IncreaseStreamRetentionPeriod: records are kept 24 hours by default',
    async run(context) {
      const { name } = await context.shared();
      const summary = await summaryOf(context, name);
      assert.equal(summary.StreamName, name);
      assert.match(summary.StreamARN ?? '', new RegExp(`^arn:aws[^:]*:kinesis:[^:]+:\\d{12}:stream/${name}$`));
      assert.equal(summary.StreamModeDetails?.StreamMode, 'PROVISIONED');
      assert.equal(summary.RetentionPeriodHours, 24);
      assert.equal(summary.EncryptionType, 'NONE');
      assert.deepEqual(summary.EnhancedMonitoring, [{ ShardLevelMetrics: [] }]);
    },
  },
  {
    id: 'DescribeStreamSummary: OpenShardCount and ConsumerCount',
    cites: 'StreamDescriptionSummary: "The number of open shards in the stream", "The number of enhanced fan-out consumers"',
    async run(context) {
      const summary = await summaryOf(context, (await context.shared(3)).name);
      assert.deepEqual([summary.OpenShardCount, summary.ConsumerCount], [3, 0]);
    },
  },
  {
    id: 'DescribeStreamSummary: records of up to 1,024 KiB by default',
    cites: 'StreamDescriptionSummary, MaxRecordSizeInKiB; GetRecords: "Each data record can be up to 1 MiB in size by default"',
    async run(context) {
      assert.equal((await summaryOf(context, (await context.shared()).name)).MaxRecordSizeInKiB, 1_024);
    },
  },
  {
    id: 'DescribeStreamSummary: StreamCreationTimestamp is when the stream was created',
    cites: 'StreamDescriptionSummary: "The approximate time that the stream was created"',
    async run(context) {
      const before = context.now();
      const { name } = await context.stream();
      const created = (await summaryOf(context, name)).StreamCreationTimestamp?.getTime() ?? 0;
      assert.ok(Math.abs(created - before) < clockToleranceMs, `${created} is not near ${before}`);
    },
  },
  {
    id: 'DescribeStreamSummary: takes StreamARN instead of StreamName',
    cites: 'DescribeStreamSummary: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { name, arn } = await context.shared();
      const { StreamDescriptionSummary } = await context.send(new DescribeStreamSummaryCommand({ StreamARN: arn }));
      assert.equal(StreamDescriptionSummary?.StreamName, name);
    },
  },
  {
    id: 'DescribeStreamSummary: takes StreamARN and StreamName together',
    cites: 'DescribeStreamSummary: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { name, arn } = await context.shared();
      const { StreamDescriptionSummary } = await context.send(new DescribeStreamSummaryCommand({ StreamARN: arn, StreamName: name }));
      assert.equal(StreamDescriptionSummary?.StreamARN, arn);
    },
  },
  {
    id: 'DescribeStream: tells the same as DescribeStreamSummary, and the shards',
    cites: 'StreamDescription: "The shards that comprise the stream"',
    async run(context) {
      const { name, shards } = await context.shared(3);
      const [summary, description] = [await summaryOf(context, name), await descriptionOf(context, name)];
      for (const member of ['StreamName', 'StreamARN', 'RetentionPeriodHours', 'StreamCreationTimestamp', 'EncryptionType'] as const) {
        assert.deepEqual(description[member], summary[member], member);
      }
      assert.deepEqual(description.Shards, shards);
      assert.equal(description.HasMoreShards, false);
    },
  },
  {
    id: 'DescribeStream: Limit and ExclusiveStartShardId walk the shards, HasMoreShards says when to go on',
    cites: 'DescribeStream, Limit, ExclusiveStartShardId; StreamDescription: "If set to true, more shards in the stream are available"',
    async run(context) {
      const { name, shards } = await context.shared(3);
      const first = await context.send(new DescribeStreamCommand({ StreamName: name, Limit: 2 }));
      assert.equal(first.StreamDescription?.HasMoreShards, true);
      const last = first.StreamDescription?.Shards?.at(-1)?.ShardId;
      const second = await context.send(new DescribeStreamCommand({ StreamName: name, Limit: 2, ExclusiveStartShardId: last }));
      assert.equal(second.StreamDescription?.HasMoreShards, false);
      const found = [...(first.StreamDescription?.Shards ?? []), ...(second.StreamDescription?.Shards ?? [])];
      assert.deepEqual(found, shards);
    },
  },
  ...(
    [
      ['DescribeStream', (StreamName: string) => new DescribeStreamCommand({ StreamName })],
      ['DescribeStreamSummary', (StreamName: string) => new DescribeStreamSummaryCommand({ StreamName })],
      ['DeleteStream', (StreamName: string) => new DeleteStreamCommand({ StreamName })],
      ['PutRecord', (StreamName: string) => new PutRecordCommand({ StreamName, PartitionKey: 'a', Data: Buffer.from('a') })],
      ['ListTagsForStream', (StreamName: string) => new ListTagsForStreamCommand({ StreamName })],
    ] as const
  ).map(
    ([operation, commandFor]): Check => ({
      id: `${operation}: a stream that is not there is refused with ResourceNotFoundException`,
      cites: `${operation}, Errors: ResourceNotFoundException`,
      run: async (context) => void (await context.refused(commandFor(context.name()), 'ResourceNotFoundException')),
    }),
  ),
  {
    id: 'DeleteStream: right after it the stream is DELETING or gone, then gone',
    cites: 'DeleteStream: "the specified stream is in the DELETING state until Kinesis Data Streams completes the deletion"',
    async run(context) {
      const { name } = await context.stream();
      await context.send(new DeleteStreamCommand({ StreamName: name }));
      await context.until('the stream is gone', async () => {
        try {
          assert.equal((await summaryOf(context, name)).StreamStatus, 'DELETING');
        } catch (error) {
          if ((error as Error).name === 'ResourceNotFoundException') return true;
          throw error;
        }
        return undefined;
      });
    },
  },
  {
    id: 'DeleteStream: takes StreamARN instead of StreamName',
    cites: 'DeleteStream: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { name, arn } = await context.stream();
      await context.send(new DeleteStreamCommand({ StreamARN: arn }));
      await context.until('the stream is gone', async () => {
        const gone = await summaryOf(context, name).catch((error: Error) => error.name);
        return gone === 'ResourceNotFoundException' ? true : undefined;
      });
    },
  },
  {
    id: 'DeleteStream: a stream of the same name begins anew, without the old records',
    cites: 'DeleteStream: "Deletes a Kinesis data stream and all its shards and data"',
    async run(context) {
      const { name } = await context.stream();
      await context.put({ name, arn: '', shards: [] }, 'old');
      await context.send(new DeleteStreamCommand({ StreamName: name }));
      await context.until('the name is free', async () => {
        const gone = await summaryOf(context, name).catch((error: Error) => error.name);
        return gone === 'ResourceNotFoundException' ? true : undefined;
      });
      await context.send(new CreateStreamCommand({ StreamName: name, ShardCount: 1 }));
      const stream = await context.active(name);
      const { records } = await context.read(await context.iterator(stream, stream.shards[0]?.ShardId ?? ''));
      assert.deepEqual(records, []);
    },
  },
  {
    id: 'DeleteStream: an iterator of the deleted stream is refused with ResourceNotFoundException',
    cites: 'DeleteStream: "If an application attempts to operate on a deleted stream, it receives the exception ResourceNotFoundException"',
    async run(context) {
      const stream = await context.stream();
      const iterator = await context.iterator(stream, stream.shards[0]?.ShardId ?? '');
      await context.send(new DeleteStreamCommand({ StreamName: stream.name }));
      await context.until('the stream is gone', async () => {
        const gone = await summaryOf(context, stream.name).catch((error: Error) => error.name);
        return gone === 'ResourceNotFoundException' ? true : undefined;
      });
      await assert.rejects(context.get(iterator), { name: 'ResourceNotFoundException' });
    },
  },
];
