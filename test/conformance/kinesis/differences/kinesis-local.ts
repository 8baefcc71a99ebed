import type { Difference, Differences } from '../check.ts';

const listed = (reason: string, error: RegExp, evidence: string, ids: readonly string[]): [string, Difference][] =>
  ids.map((id) => [id, { reason, error, evidence }]);

const accepted = /^Error: accepted, not refused|200 !== 400/;
const status500 = /refused with Unknown \(|500 !== 400/;
const invalidArgument = /refused with InvalidArgumentException/;
const serialization = /refused with SerializationException/;
const member = /\+ +undefined|there is no NextToken/;

const validation =
  'Common Errors, ValidationError: "The input fails to satisfy the constraints specified by an AWS service"; AWS answers ValidationException';
const required = `"Required: Yes"; ${validation}`;
const integer = 'Integer members are numbers in JSON; a body that cannot be read as its types is a SerializationException';

const operationsWithName = [
  'AddTagsToStream',
  'CreateStream',
  'DecreaseStreamRetentionPeriod',
  'DeleteStream',
  'DescribeStream',
  'DescribeStreamSummary',
  'GetShardIterator',
  'IncreaseStreamRetentionPeriod',
  'ListShards',
  'ListTagsForStream',
  'MergeShards',
  'PutRecord',
  'PutRecords',
  'RemoveTagsFromStream',
  'SplitShard',
  'UpdateShardCount',
];
const wrongNames = ['an empty StreamName', 'a StreamName of 129 characters', 'a StreamName with a space'];

const missingMembers = [
  'CreateStream: no StreamName',
  'AddTagsToStream: no Tags',
  'DecreaseStreamRetentionPeriod: no RetentionPeriodHours',
  'GetShardIterator: no ShardId',
  'GetShardIterator: no ShardIteratorType',
  'IncreaseStreamRetentionPeriod: no RetentionPeriodHours',
  'ListStreamConsumers: no StreamARN',
  'MergeShards: no ShardToMerge',
  'MergeShards: no AdjacentShardToMerge',
  'PutRecord: no PartitionKey',
  'PutRecord: no Data',
  'PutRecords: no Records',
  'RegisterStreamConsumer: no StreamARN',
  'RegisterStreamConsumer: no ConsumerName',
  'RemoveTagsFromStream: no TagKeys',
  'SplitShard: no ShardToSplit',
  'SplitShard: no NewStartingHashKey',
  'SubscribeToShard: no ConsumerARN',
  'SubscribeToShard: no ShardId',
  'SubscribeToShard: no StartingPosition',
  'UpdateShardCount: no TargetShardCount',
  'UpdateShardCount: no ScalingType',
];

/** Where kinesis-local 0.6.2 does not do as AWS says. */
export const kinesisLocalDifferences: Differences = Object.fromEntries([
  ...listed(
    'answers InvalidArgumentException, in ListShards ResourceNotFoundException',
    /refused with (InvalidArgument|ResourceNotFound)Exception/,
    `StreamName: "Minimum length of 1. Maximum length of 128. Pattern: [a-zA-Z0-9_.-]+"; ${validation}`,
    operationsWithName.flatMap((operation) => wrongNames.map((what) => `${operation}: ${what} is refused with ValidationException`)),
  ),
  ...listed('answers InvalidArgumentException', invalidArgument, validation, [
    'ListStreams: Limit 0 is refused with ValidationException',
    'ListStreams: Limit 10001 is refused with ValidationException',
    'ListTagsForStream: Limit 0 is refused with ValidationException',
    'DescribeStream: Limit 0 is refused with ValidationException',
    'DescribeStream: Limit 10001 is refused with ValidationException',
    'GetRecords: Limit 0 is refused with ValidationException',
    'GetShardIterator: a ShardId with a space is refused with ValidationException',
    'PutRecord: ExplicitHashKey with a leading zero is refused with ValidationException',
    'PutRecord: an empty PartitionKey is refused with ValidationException',
    'PutRecord: a PartitionKey of 257 characters is refused with ValidationException',
    'PutRecords: one malformed entry refuses the whole request, and nothing is stored',
    'RegisterStreamConsumer: a name of 129 characters is refused with ValidationException',
    'RegisterStreamConsumer: a name with a space is refused with ValidationException',
    'RegisterStreamConsumer: a name that is empty is refused with ValidationException',
  ]),
  ...listed(
    'answers SerializationException',
    serialization,
    required,
    missingMembers.map((what) => `${what} is refused with ValidationException`),
  ),
  ...listed('answers SerializationException', serialization, validation, [
    'DescribeStream: a StreamARN that is none is refused with ValidationException',
    'PutRecords: a StreamARN that is none is refused with ValidationException',
    'GetShardIterator: a ShardIteratorType that is none is refused with ValidationException',
    'UpdateShardCount: a ScalingType that is none is refused with ValidationException',
  ]),
  ...listed('answers LimitExceededException', /refused with LimitExceededException/, 'ShardCount: "Valid Range: Minimum value of 1"', [
    'CreateStream: ShardCount 0 is refused with ValidationException',
  ]),
  ...listed('answers status 500', status500, validation, [
    'ListShards: MaxResults 0 is refused with ValidationException',
    'PutRecord: a SequenceNumberForOrdering that is none is refused',
    'SplitShard: a NewStartingHashKey that is no number is refused with ValidationException',
  ]),
  ...listed('answers status 500', status500, 'GetRecords, Errors: InvalidArgumentException: "A specified parameter ... can\'t be used"', [
    'GetRecords: an invented iterator is refused with InvalidArgumentException',
  ]),
  ...listed('answers status 500', status500, 'Smithy, AWS JSON 1.1 protocol, Blob: base64-encoded', [
    'JSON: a blob that is no base64 is refused with SerializationException',
  ]),
  ...listed('takes it', accepted, integer, ['UpdateShardCount: TargetShardCount "2" is refused with SerializationException']),
  ...listed('takes it', accepted, validation, [
    'AddTagsToStream: no tags are refused with ValidationException',
    'ListShards: MaxResults 10001 is refused with ValidationException',
    'PutRecords: no records are refused with ValidationException',
    'RemoveTagsFromStream: no keys are refused with ValidationException',
    'UpdateShardCount: TargetShardCount 0 is refused with ValidationException',
  ]),
  ...listed('takes it', accepted, 'PutRecords: "Each PutRecords request can support up to 500 records"', [
    'PutRecords: 501 records are refused with ValidationException',
  ]),
  ...listed('takes it', accepted, 'PutRecords: "up to a limit of 10 MiB for the entire request, including partition keys"', [
    'PutRecords: a request of more than 10 MiB is refused',
  ]),
  ...listed(
    'counts the data alone',
    accepted,
    'PutRecords: "The record size limit applies to the total size of the partition key and data blob"',
    ['PutRecord: data and key of 1 MiB and one byte together are refused'],
  ),
  ...listed('takes it', accepted, 'CreateStream: "For the data streams with a provisioned mode, you must specify the number of shards"', [
    'CreateStream: PROVISIONED mode without ShardCount is refused',
  ]),
  ...listed(
    'takes it',
    accepted,
    'ValidationException: "you tried to invoke this API for a data stream with the on-demand capacity mode"',
    [
      'CreateStream: ON_DEMAND mode with ShardCount is refused',
      'SplitShard: an on-demand stream is refused',
      'MergeShards: an on-demand stream is refused',
      'UpdateShardCount: an on-demand stream is refused',
    ],
  ),
  ...listed(
    'takes it, or answers ResourceNotFoundException',
    /^Error: accepted, not refused|refused with ResourceNotFoundException/,
    'StartingSequenceNumber: "of the data record in the shard from which to start"',
    [
      "GetShardIterator: AT_SEQUENCE_NUMBER of another shard's record is refused with InvalidArgumentException",
      "GetShardIterator: AFTER_SEQUENCE_NUMBER of another shard's record is refused with InvalidArgumentException",
    ],
  ),
  ...listed('takes it', accepted, 'StartingSequenceNumber: "Used with shard iterator type AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER"', [
    'GetShardIterator: TRIM_HORIZON with a StartingSequenceNumber is refused with InvalidArgumentException',
    'GetShardIterator: LATEST with a StartingSequenceNumber is refused with InvalidArgumentException',
  ]),
  ...listed('takes it, and makes a shard with an empty range', accepted, 'HashKeyRange: "a set of ordered contiguous positive integers"', [
    "SplitShard: a NewStartingHashKey that is the shard's StartingHashKey is refused with InvalidArgumentException",
  ]),
  ...listed(
    'ends a closed shard below its last record',
    /ends at \d+, below \d+/,
    'SequenceNumberRange: "The range of possible sequence numbers for the shard"',
    ['SplitShard: the parent gets an EndingSequenceNumber not below its last record'],
  ),
  ...listed(
    'answers the children too',
    /\+ {3}'shardId-000000000001'/,
    'ShardFilter: "AT_TRIM_HORIZON - the response includes all the shards that were open at TRIM_HORIZON"',
    ['ListShards: the filter AT_TRIM_HORIZON answers the shards open at the horizon'],
  ),
  ...listed(
    'is always 0',
    /not so within \d+ ms: the records have an age/,
    'GetRecords: "The number of milliseconds the GetRecords response is from the tip of the stream"',
    ['GetRecords: MillisBehindLatest is above 0 while records remain, and 0 at the tip'],
  ),
  ...listed('does not answer the member', member, 'StreamDescriptionSummary, MaxRecordSizeInKiB', [
    'DescribeStreamSummary: records of up to 1,024 KiB by default',
  ]),
  ...listed('does not answer the member', member, 'UpdateShardCount, Response Syntax: StreamARN', [
    'UpdateShardCount: answers the current and the target count',
  ]),
  ...listed('does not answer the member', member, 'ListStreams, Response Syntax: NextToken, StreamSummaries', [
    'ListStreams: NextToken goes on where the page ended',
    'ListStreams: StreamSummaries tell ARN, status and mode of the streams named',
  ]),
  ...listed('the second page is empty', /Set\(2\)/, 'ListStreamConsumers, NextToken: "to list the next set of registered consumers"', [
    'ListStreamConsumers: MaxResults and NextToken walk all consumers once',
  ]),
  ...listed(
    'answers AccessDeniedException',
    /\+ 'AccessDeniedException'/,
    'Common Errors: an action that is not valid is no matter of permissions',
    [
      'JSON: an operation that is none is refused with UnknownOperationException',
      'CBOR: an operation that is none is refused with UnknownOperationException',
    ],
  ),
  ...listed('answers base64 text', /deep-equal/, 'RFC 8949, major type 2: byte string; AWS SDK for Java 2 reads blobs as byte strings', [
    'CBOR: a record put in CBOR is the same record, as a byte string',
  ]),
  ...listed(
    'sends no initial-response, and events in JSON to a request in CBOR',
    /\+ 'SubscribeToShardEvent'|an event that is not application/,
    'Smithy, event streams over RPC protocols: initial-response',
    [
      'SubscribeToShard: in JSON, the answer is an event stream: initial-response, then SubscribeToShardEvent',
      'SubscribeToShard: in CBOR, the answer is an event stream: initial-response, then SubscribeToShardEvent',
    ],
  ),
  ...listed(
    'refuses as long as one is active',
    /^ResourceInUseException: Another active subscription/,
    'SubscribeToShard: "5 seconds or more after a successful call, the second call takes over"',
    [
      'SubscribeToShard: ContinuationSequenceNumber goes on without loss or repetition',
      'SubscribeToShard: ContinuationSequenceNumber of an idle shard goes on with what comes next',
      'SubscribeToShard: again after 5 seconds takes over, and the one before ends',
    ],
  ),
  ...listed(
    'does not tell them',
    /not so within \d+ ms: the children are told/,
    'SubscribeToShardEvent, ChildShards: "The list of the child shards of the current shard"',
    ['SubscribeToShard: the end of a shard names its ChildShards'],
  ),
  ...listed('takes it', accepted, 'SubscribeToShard, Errors: ResourceNotFoundException, InvalidArgumentException', [
    'SubscribeToShard: a shard that is not there is refused with ResourceNotFoundException',
    'SubscribeToShard: AT_SEQUENCE_NUMBER without SequenceNumber is refused',
    'SubscribeToShard: AT_TIMESTAMP without Timestamp is refused',
    'SubscribeToShard: AT_TIMESTAMP in the future is refused',
  ]),
  ...listed('forgets them', /\+ \{\}/, 'RegisterStreamConsumer, Tags: "Tags will take effect from the CREATING status of the consumer"', [
    'RegisterStreamConsumer: Tags are on the consumer',
  ]),
  ...listed('answers them all', /all were answered/, 'ListTagsForStream: "a limit of five transactions per second per account"', [
    'ListTagsForStream: many calls at once are refused with LimitExceededException beyond five in a second',
  ]),
  ...listed(
    'has no limits of throughput',
    /nothing was refused|^Error: accepted|no entry was refused/,
    'PutRecords, PutRecord, GetRecords: ProvisionedThroughputExceededException',
    [
      'PutRecords: a shard takes about 1,000 records in a second and refuses the others, entry by entry',
      'PutRecords: a refused entry has ErrorCode and ErrorMessage, and neither ShardId nor SequenceNumber',
      'PutRecords: the ErrorMessage of a refused entry names account, stream and shard',
      'PutRecord: more than 1 MiB in a second is refused with ProvisionedThroughputExceededException',
      'GetRecords: more than 5 calls in a second are refused with ProvisionedThroughputExceededException',
      'GetRecords: an answer has at most 10 MiB, and the calls after it are refused with ProvisionedThroughputExceededException',
    ],
  ),
]);
