import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { integerIn, oneOfIn, required, structureIn, textIn } from '../protocol/input.ts';
import { Timestamp } from '../protocol/timestamp.ts';
import type { Stream, StreamMode } from '../store/stream.ts';
import { noBody, type Operation, shardIdIn, streamNameIn, streamOf } from './call.ts';
import { shardShape } from './shapes.ts';

/** Open shards of the account; AWS's default quota lies between 500 and 20,000 by region. */
export const shardQuota = 1_000;
const onDemandShards = 4; // what AWS starts an on-demand stream with (4 MB/s)
const retentionHours = 24;
const defaultMaxRecordKiB = 1_024;
const modes = ['PROVISIONED', 'ON_DEMAND'] as const satisfies readonly StreamMode[];

export const createStream: Operation = ({ input, store }) => {
  const name = required(streamNameIn(input), 'StreamName');
  const details = structureIn(input, 'StreamModeDetails');
  const mode = details === undefined ? 'PROVISIONED' : required(oneOfIn(details, 'StreamMode', modes), 'StreamMode');
  const given = integerIn(input, 'ShardCount', 1, 1_000_000);
  if ((integerIn(input, 'MaxRecordSizeInKiB', 1_024, 10_240) ?? defaultMaxRecordKiB) !== defaultMaxRecordKiB) {
    throw invalidArgument('This server takes records of up to 1 MiB only: MaxRecordSizeInKiB must be 1024.');
  }
  if (mode === 'ON_DEMAND' && given !== undefined) {
    throw new ApiError('ValidationException', 'ShardCount must not be specified for a stream in ON_DEMAND mode.');
  }
  const shardCount = mode === 'ON_DEMAND' ? onDemandShards : required(given, 'ShardCount');
  if (store.get(name)) throw new ApiError('ResourceInUseException', `Stream ${name} under account ${store.accountId} already exists.`);
  assertQuota(store.openShardCount(), shardCount, store.accountId);
  store.create(name, mode, shardCount);
  return noBody;
};

export function assertQuota(current: number, more: number, accountId: string): void {
  if (current + more <= shardQuota) return;
  throw new ApiError(
    'LimitExceededException',
    `This request would exceed the shard limit for the account ${accountId}. Current shard count for the account: ${current}. Limit: ${shardQuota}. Number of additional shards that would have resulted from this request: ${more}.`,
  );
}

export const deleteStream: Operation = (call) => {
  call.store.delete(streamOf(call));
  return noBody;
};

export const listStreams: Operation = ({ input, store, codec, tokens }) => {
  const limit = integerIn(input, 'Limit', 1, 10_000) ?? 100;
  const token = textIn(input, 'NextToken', { max: 1_048_576 });
  const opened = token === undefined ? undefined : tokens.open(token);
  if (token !== undefined && typeof opened !== 'string') throw invalidArgument('The NextToken is invalid.');
  const after = typeof opened === 'string' ? opened : (streamNameIn(input, 'ExclusiveStartStreamName') ?? '');
  const rest = store.list().filter(({ name }) => name > after);
  const page = rest.slice(0, limit);
  const more = rest.length > page.length;
  return codec.encode({
    StreamNames: page.map(({ name }) => name),
    HasMoreStreams: more,
    NextToken: more ? tokens.seal(page.at(-1)?.name) : undefined,
    StreamSummaries: page.map((stream) => ({
      StreamName: stream.name,
      StreamARN: stream.arn,
      StreamStatus: 'ACTIVE',
      StreamModeDetails: { StreamMode: stream.mode },
      StreamCreationTimestamp: new Timestamp(stream.createdAtMs),
    })),
  });
};

export const describeStream: Operation = (call) => {
  const { input, codec } = call;
  const limit = integerIn(input, 'Limit', 1, 10_000) ?? 100;
  const after = shardIdIn(input, 'ExclusiveStartShardId') ?? '';
  const stream = streamOf(call);
  const rest = stream.shards.filter(({ id }) => id > after);
  return codec.encode({
    StreamDescription: { ...description(stream), Shards: rest.slice(0, limit).map(shardShape), HasMoreShards: rest.length > limit },
  });
};

export const describeStreamSummary: Operation = (call) => {
  const stream = streamOf(call);
  return call.codec.encode({
    StreamDescriptionSummary: {
      ...description(stream),
      OpenShardCount: stream.openShards().length,
      ConsumerCount: 0,
      MaxRecordSizeInKiB: defaultMaxRecordKiB,
    },
  });
};

const description = (stream: Stream) => ({
  StreamName: stream.name,
  StreamARN: stream.arn,
  StreamStatus: 'ACTIVE',
  StreamModeDetails: { StreamMode: stream.mode },
  StreamCreationTimestamp: new Timestamp(stream.createdAtMs),
  RetentionPeriodHours: retentionHours,
  EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
  EncryptionType: 'NONE',
});
