import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListTagsForStreamCommand,
  MergeShardsCommand,
  PutRecordCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  SubscribeToShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { type Context, textsOf } from '../context.ts';
import { nameOf, type TestStream } from '../session.ts';

const first = 'shardId-000000000000';
const middle = (1n << 127n).toString();
/** Both calls may be made five times a second. */
const belowRateMs = 250;
const needs = ['slow-states'] as const;

async function statusOf(context: Context, StreamName: string): Promise<string | undefined> {
  return (await context.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary?.StreamStatus;
}

/** A stream right after CreateStream. */
async function creating(context: Context): Promise<string> {
  const name = context.name();
  await context.send(new CreateStreamCommand({ StreamName: name, ShardCount: 2 }));
  return name;
}

/** A stream of one shard whose split is under way. */
async function updating(context: Context): Promise<TestStream> {
  const stream = await context.stream();
  await context.put(stream, 'a', 'before');
  await context.send(new SplitShardCommand({ StreamName: stream.name, ShardToSplit: first, NewStartingHashKey: middle }));
  return stream;
}

const merge = (StreamName: string) =>
  new MergeShardsCommand({ StreamName, ShardToMerge: first, AdjacentShardToMerge: 'shardId-000000000001' });

async function refusals(calls: readonly Promise<unknown>[]): Promise<string[]> {
  const results = await Promise.allSettled(calls);
  return results.flatMap((result) => (result.status === 'rejected' ? [nameOf(result.reason)] : []));
}

/** What holds while a change is under way. */
export const stateChecks: readonly Check[] = [
  {
    id: 'CreateStream: the stream is CREATING at first',
    cites: 'CreateStream: "immediately returns and sets the stream status to CREATING"',
    needs,
    run: async (context) => assert.equal(await statusOf(context, await creating(context)), 'CREATING'),
  },
  {
    id: 'PutRecord: a stream that is CREATING is refused',
    cites: 'CreateStream: "You should perform read and write operations only on an ACTIVE stream"',
    needs,
    async run(context) {
      const StreamName = await creating(context);
      const command = new PutRecordCommand({ StreamName, PartitionKey: 'a', Data: Buffer.from('a') });
      await context.refused(command, 'ResourceNotFoundException', 'ResourceInUseException');
    },
  },
  {
    id: 'MergeShards: a stream that is CREATING is refused with ResourceInUseException',
    cites: 'MergeShards: "If a stream is in the CREATING, UPDATING, or DELETING state, MergeShards returns a ResourceInUseException"',
    needs,
    run: async (context) => void (await context.refused(merge(await creating(context)), 'ResourceInUseException')),
  },
  {
    id: 'CreateStream: more than five streams CREATING are refused with LimitExceededException',
    cites: 'CreateStream: "LimitExceededException when ... Have more than five streams in the CREATING state at any point in time"',
    needs,
    async run(context) {
      const names = Array.from({ length: 6 }, () => context.name());
      const refused = await refusals(names.map((StreamName) => context.attempt(new CreateStreamCommand({ StreamName, ShardCount: 1 }))));
      assert.ok(refused.length > 0, 'all were taken');
      assert.ok(
        refused.every((name) => name === 'LimitExceededException'),
        refused.join(),
      );
    },
  },
  {
    id: 'SplitShard: the stream is UPDATING at first, and ACTIVE with its children afterwards',
    cites: 'SplitShard: "sets the stream status to UPDATING. After the operation is completed, ... to ACTIVE"',
    needs,
    async run(context) {
      const stream = await updating(context);
      assert.equal(await statusOf(context, stream.name), 'UPDATING');
      assert.equal((await context.active(stream.name)).shards.length, 3);
    },
  },
  {
    id: 'SplitShard: records are put and read while the stream is UPDATING',
    cites: 'SplitShard: "Read and write operations continue to work while the stream is in the UPDATING state"',
    needs,
    async run(context) {
      const stream = await updating(context);
      await context.put(stream, 'a', 'meanwhile');
      const { records } = await context.read(await context.iterator(stream, first), 1);
      assert.equal(textsOf(records)[0], 'before');
    },
  },
  ...(
    [
      ['SplitShard', (name: string) => new SplitShardCommand({ StreamName: name, ShardToSplit: first, NewStartingHashKey: middle })],
      ['MergeShards', merge],
      [
        'UpdateShardCount',
        (name: string) => new UpdateShardCountCommand({ StreamName: name, TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
      ],
      [
        'IncreaseStreamRetentionPeriod',
        (name: string) => new IncreaseStreamRetentionPeriodCommand({ StreamName: name, RetentionPeriodHours: 48 }),
      ],
    ] as const
  ).map(
    ([operation, commandFor]): Check => ({
      id: `${operation}: a stream that is UPDATING is refused with ResourceInUseException`,
      cites: `${operation}, Errors: ResourceInUseException: "For successful operation, the resource must be in the ACTIVE state"`,
      needs,
      run: async (context) => void (await context.refused(commandFor((await updating(context)).name), 'ResourceInUseException')),
    }),
  ),
  {
    id: 'DeleteStream: the stream is DELETING at first',
    cites: 'DeleteStream: "the specified stream is in the DELETING state until Kinesis Data Streams completes the deletion"',
    needs,
    async run(context) {
      const { name } = await context.stream();
      await context.send(new DeleteStreamCommand({ StreamName: name }));
      assert.equal(await statusOf(context, name), 'DELETING');
    },
  },
  {
    id: 'RegisterStreamConsumer: the consumer is CREATING at first, and SubscribeToShard is refused with ResourceInUseException',
    cites: 'Consumer, ConsumerStatus: "A consumer can\'t read data while in the CREATING or DELETING states"',
    needs,
    async run(context) {
      const { arn } = await context.stream();
      const { Consumer } = await context.send(new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: 'c' }));
      assert.equal(Consumer?.ConsumerStatus, 'CREATING');
      const input = { ConsumerARN: Consumer.ConsumerARN, ShardId: first, StartingPosition: { Type: 'LATEST' } as const };
      await context.refused(new SubscribeToShardCommand(input), 'ResourceInUseException');
    },
  },
  {
    id: 'RegisterStreamConsumer: a sixth consumer CREATING is refused with LimitExceededException',
    cites:
      'RegisterStreamConsumer: "Registering a 6th consumer while there are 5 in a CREATING status results in a LimitExceededException"',
    needs,
    async run(context) {
      const { arn } = await context.stream();
      const refused: string[] = [];
      for (const ConsumerName of ['a', 'b', 'c', 'd', 'e', 'f']) {
        await context.rest(belowRateMs);
        const command = new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName });
        refused.push(...(await refusals([context.attempt(command)])));
      }
      assert.ok(refused.length > 0, 'all were taken');
      assert.ok(
        refused.every((name) => name === 'LimitExceededException'),
        refused.join(),
      );
    },
  },
  {
    id: 'ListTagsForStream: many calls at once are refused with LimitExceededException beyond five in a second',
    cites: 'ListTagsForStream: "This operation has a limit of five transactions per second per account"; LimitExceededException',
    async run(context) {
      const { name } = await context.shared();
      const calls = Array.from({ length: 30 }, () => context.attempt(new ListTagsForStreamCommand({ StreamName: name })));
      const refused = await refusals(calls);
      assert.ok(refused.length > 0, 'all were answered');
      assert.ok(refused.length < calls.length, 'none was answered');
      assert.ok(
        refused.every((refusal) => refusal === 'LimitExceededException'),
        refused.join(),
      );
    },
  },
];
