import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import type { TestStream } from '../session.ts';

type Input = Readonly<Record<string, unknown>>;

const shard = 'shardId-000000000000';
const data = Buffer.from('data').toString('base64');

/** Valid members of each operation but for the stream; what a check spoils is one of them. */
const byStream: Readonly<Record<string, Input>> = {
  AddTagsToStream: { Tags: { a: 'b' } },
  CreateStream: { ShardCount: 1 },
  DecreaseStreamRetentionPeriod: { RetentionPeriodHours: 24 },
  DeleteStream: {},
  DescribeStream: {},
  DescribeStreamSummary: {},
  GetShardIterator: { ShardId: shard, ShardIteratorType: 'LATEST' },
  IncreaseStreamRetentionPeriod: { RetentionPeriodHours: 48 },
  ListShards: {},
  ListTagsForStream: {},
  MergeShards: { ShardToMerge: shard, AdjacentShardToMerge: 'shardId-000000000001' },
  PutRecord: { PartitionKey: 'a', Data: data },
  PutRecords: { Records: [{ PartitionKey: 'a', Data: data }] },
  RemoveTagsFromStream: { TagKeys: ['a'] },
  SplitShard: { ShardToSplit: shard, NewStartingHashKey: '1000' },
  UpdateShardCount: { TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' },
};

const byArn: Readonly<Record<string, (stream: TestStream) => Input>> = {
  RegisterStreamConsumer: ({ arn }) => ({ StreamARN: arn, ConsumerName: 'consumer' }),
  ListStreamConsumers: ({ arn }) => ({ StreamARN: arn }),
  SubscribeToShard: ({ arn }) => ({ ConsumerARN: `${arn}/consumer/absent:1`, ShardId: shard, StartingPosition: { Type: 'LATEST' } }),
};

function validInput(operation: string, stream: TestStream, context: Context): Input {
  if (operation === 'CreateStream') return { StreamName: context.name(), ...byStream[operation] };
  return byArn[operation]?.(stream) ?? { StreamName: stream.name, ...byStream[operation] };
}

/** Spoils one member of an operation; the stream is real, so that nothing but the member is wrong. */
const spoiled = (operation: string, what: string, cites: string, change: Input, ...types: readonly string[]): Check => ({
  id: `${operation}: ${what} is refused with ${types[0]}`,
  cites: `${operation}, ${cites}`,
  async run(context: Context) {
    const input = { ...validInput(operation, await context.shared(), context), ...change };
    await context.refusedRaw(operation, input, ...types);
  },
});

const nameRule = 'StreamName: "Length Constraints: Minimum length of 1. Maximum length of 128. Pattern: [a-zA-Z0-9_.-]+"';
const eitherRule = 'StreamName: "you must use either the StreamARN or the StreamName parameter, or both"';
const argument = 'InvalidArgumentException';
const typeRule = (type: string) => `type of the member: ${type}`;

const wrongTypes: readonly [operation: string, member: string, value: unknown, type: string][] = [
  ['AddTagsToStream', 'Tags', 'a=b', 'String to string map'],
  ['CreateStream', 'ShardCount', 'one', 'Integer'],
  ['DescribeStream', 'Limit', 'ten', 'Integer'],
  ['DescribeStream', 'ExclusiveStartShardId', 7, 'String'],
  ['GetShardIterator', 'ShardId', 7, 'String'],
  ['GetShardIterator', 'Timestamp', 'yesterday', 'Timestamp'],
  ['IncreaseStreamRetentionPeriod', 'RetentionPeriodHours', 'long', 'Integer'],
  ['ListShards', 'ShardFilter', 'AT_LATEST', 'ShardFilter object'],
  ['ListShards', 'MaxResults', [], 'Integer'],
  ['PutRecord', 'Data', 7, 'Base64-encoded binary data object'],
  ['PutRecord', 'PartitionKey', 7, 'String'],
  ['PutRecords', 'Records', {}, 'Array of PutRecordsRequestEntry objects'],
  ['PutRecords', 'Records', ['a'], 'Array of PutRecordsRequestEntry objects'],
  ['RemoveTagsFromStream', 'TagKeys', 'a', 'Array of strings'],
  ['SplitShard', 'NewStartingHashKey', 1_000, 'String'],
  ['UpdateShardCount', 'TargetShardCount', '2', 'Integer'],
];

const missing: readonly [operation: string, member: string][] = [
  ['AddTagsToStream', 'Tags'],
  ['DecreaseStreamRetentionPeriod', 'RetentionPeriodHours'],
  ['GetShardIterator', 'ShardId'],
  ['GetShardIterator', 'ShardIteratorType'],
  ['IncreaseStreamRetentionPeriod', 'RetentionPeriodHours'],
  ['ListStreamConsumers', 'StreamARN'],
  ['MergeShards', 'ShardToMerge'],
  ['MergeShards', 'AdjacentShardToMerge'],
  ['PutRecord', 'PartitionKey'],
  ['PutRecord', 'Data'],
  ['PutRecords', 'Records'],
  ['RegisterStreamConsumer', 'StreamARN'],
  ['RegisterStreamConsumer', 'ConsumerName'],
  ['RemoveTagsFromStream', 'TagKeys'],
  ['SplitShard', 'ShardToSplit'],
  ['SplitShard', 'NewStartingHashKey'],
  ['SubscribeToShard', 'ConsumerARN'],
  ['SubscribeToShard', 'ShardId'],
  ['SubscribeToShard', 'StartingPosition'],
  ['UpdateShardCount', 'TargetShardCount'],
  ['UpdateShardCount', 'ScalingType'],
];

const outOfRange: readonly [operation: string, what: string, change: Input, rule: string][] = [
  ['CreateStream', 'ShardCount 0', { ShardCount: 0 }, 'ShardCount: "Valid Range: Minimum value of 1"'],
  ['DescribeStream', 'Limit 0', { Limit: 0 }, 'Limit: "Valid Range: Minimum value of 1. Maximum value of 10000"'],
  ['DescribeStream', 'Limit 10001', { Limit: 10_001 }, 'Limit: "Valid Range: Minimum value of 1. Maximum value of 10000"'],
  ['GetShardIterator', 'a ShardIteratorType that is none', { ShardIteratorType: 'OLDEST' }, 'ShardIteratorType: "Valid Values"'],
  ['GetShardIterator', 'a ShardId with a space', { ShardId: 'shard 0' }, 'ShardId: "Pattern: [a-zA-Z0-9_.-]+"'],
  ['PutRecord', 'an empty PartitionKey', { PartitionKey: '' }, 'PartitionKey: "Length Constraints: Minimum length of 1"'],
  ['PutRecord', 'a PartitionKey of 257 characters', { PartitionKey: 'k'.repeat(257) }, 'PartitionKey: "Maximum length of 256"'],
  [
    'SplitShard',
    'a NewStartingHashKey that is no number',
    { NewStartingHashKey: 'x' },
    'NewStartingHashKey: "Pattern: 0|([1-9]\\d{0,38})"',
  ],
  ['UpdateShardCount', 'TargetShardCount 0', { TargetShardCount: 0 }, 'TargetShardCount: "Valid Range: Minimum value of 1"'],
  [
    'DescribeStream',
    'a StreamARN that is none',
    { StreamName: undefined, StreamARN: 'arn:x' },
    'StreamARN: "Pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+"',
  ],
  [
    'PutRecords',
    'a StreamARN that is none',
    { StreamName: undefined, StreamARN: 'stream' },
    'StreamARN: "Pattern: arn:aws.*:kinesis:.*:\\d{12}:stream/\\S+"',
  ],
];

/** Member by member: absent, of the wrong type, beyond its constraint. All against a stream that is there. */
export const validationChecks: readonly Check[] = [
  ...Object.keys(byStream).flatMap((operation) => [
    spoiled(operation, 'a StreamName that is a number', typeRule('String'), { StreamName: 7 }, 'SerializationException'),
    spoiled(operation, 'an empty StreamName', nameRule, { StreamName: '' }, 'ValidationException'),
    spoiled(operation, 'a StreamName of 129 characters', nameRule, { StreamName: 's'.repeat(129) }, 'ValidationException'),
    spoiled(operation, 'a StreamName with a space', nameRule, { StreamName: 'a b' }, 'ValidationException'),
    operation === 'CreateStream'
      ? spoiled(operation, 'no StreamName', 'StreamName: "Required: Yes"', { StreamName: undefined }, 'ValidationException')
      : spoiled(operation, 'neither StreamName nor StreamARN', eitherRule, { StreamName: undefined }, 'ValidationException', argument),
  ]),
  ...missing.map(([operation, member]) =>
    spoiled(operation, `no ${member}`, `${member}: "Required: Yes"`, { [member]: undefined }, 'ValidationException', argument),
  ),
  ...wrongTypes.map(([operation, member, value, type]) =>
    spoiled(operation, `${member} ${JSON.stringify(value)}`, `${member}, ${typeRule(type)}`, { [member]: value }, 'SerializationException'),
  ),
  ...outOfRange.map(([operation, what, change, rule]) => spoiled(operation, what, rule, change, 'ValidationException')),
];
