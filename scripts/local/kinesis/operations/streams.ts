import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { booleanIn, integerIn, oneOfIn, required, structureIn, textIn, together } from '../protocol/input.ts';
import { Timestamp } from '../protocol/timestamp.ts';
import type { Stream, StreamMode } from '../store/stream.ts';
import { noBody, type Operation, shardIdIn, streamNameIn, streamOf, streamReferenceIn } from './call.ts';
import { assertChangingQuota, assertOnDemandQuota, assertShardQuota, onDemandQuota, shardQuota } from './quotas.ts';
import { shardShape } from './shapes.ts';
import { assertActive, change } from './status.ts';
import { addTags, tagsIn } from './tag-rules.ts';

/** ListStreams and DescribeStream, API reference: "If you specify a value greater than 100, at most 100 results are returned". */
const maxResults = 100;
const onDemandShards = 4; // what AWS starts an on-demand stream with (4 MB/s)
const defaultMaxRecordKiB = 1_024;
const modes = ['PROVISIONED', 'ON_DEMAND'] as const satisfies readonly StreamMode[];

export const createStream: Operation = (call) => {
  const { input, store } = call;
  const { name, mode, given, tags, maxRecordKiB } = together({
    name: () => required(streamNameIn(input), 'StreamName'),
    given: () => integerIn(input, 'ShardCount', 1, 1_000_000),
    mode: () => {
      const details = structureIn(input, 'StreamModeDetails');
      return details === undefined ? 'PROVISIONED' : required(oneOfIn(details, 'StreamMode', modes), 'StreamModeDetails.streamMode');
    },
    tags: () => tagsIn(input),
    maxRecordKiB: () => integerIn(input, 'MaxRecordSizeInKiB', 1_024, 10_240),
  });
  if ((maxRecordKiB ?? defaultMaxRecordKiB) !== defaultMaxRecordKiB) {
    throw invalidArgument('This server takes records of up to 1 MiB only: MaxRecordSizeInKiB must be 1024.');
  }
  if (mode === 'ON_DEMAND' && given !== undefined) {
    throw new ApiError('ValidationException', 'ShardCount must not be specified for a stream in ON_DEMAND mode.');
  }
  const shardCount = mode === 'ON_DEMAND' ? onDemandShards : required(given, 'ShardCount');
  if (store.get(name)) throw new ApiError('ResourceInUseException', `Stream ${name} under account ${store.accountId} already exists.`);
  if (call.limits) assertChangingQuota(store);
  if (mode === 'PROVISIONED') assertShardQuota(store, shardCount);
  else if (call.limits) assertOnDemandQuota(store);
  const checked = new Map<string, string>();
  if (tags !== undefined) addTags({ tags: checked, title: `stream ${name} under account ${store.accountId}` }, tags);
  const stream = store.create(name, mode, shardCount);
  for (const [key, value] of checked) stream.tags.set(key, value);
  change(stream, 'CREATING', call, () => {});
  return noBody;
};

export const deleteStream: Operation = (call) => {
  const { store, statusDelayMs, clock, limits } = call;
  const enforced = booleanIn(call.input, 'EnforceConsumerDeletion');
  const stream = streamOf(call);
  assertActive(stream, store);
  const nowMs = store.now();
  const consumers = stream.consumers.list(nowMs);
  if (enforced !== true && consumers.length > 0) {
    throw new ApiError(
      'ResourceInUseException',
      `Stream ${stream.name} under account ${store.accountId} has registered consumers: delete them first or set EnforceConsumerDeletion.`,
    );
  }
  if (limits) assertChangingQuota(store);
  if (statusDelayMs <= 0) {
    store.delete(stream);
  } else {
    stream.status = 'DELETING';
    for (const consumer of consumers) consumer.delete(nowMs + statusDelayMs);
    clock.after(statusDelayMs, () => store.delete(stream));
  }
  return noBody;
};

export const listStreams: Operation = ({ input, store, codec, tokens }) => {
  const asked = together({
    limit: () => integerIn(input, 'Limit', 1, 10_000),
    token: () => textIn(input, 'NextToken', { max: 1_048_576 }),
    after: () => streamNameIn(input, 'ExclusiveStartStreamName'),
  });
  const limit = Math.min(asked.limit ?? maxResults, maxResults);
  const opened = asked.token === undefined ? undefined : tokens.open('ListStreams', asked.token);
  if (asked.token !== undefined && typeof opened !== 'string') throw invalidArgument('The NextToken is invalid.');
  const after = typeof opened === 'string' ? opened : (asked.after ?? '');
  const rest = store.list().filter(({ name }) => name > after);
  const page = rest.slice(0, limit);
  const more = rest.length > page.length;
  return codec.encode({
    StreamNames: page.map(({ name }) => name),
    HasMoreStreams: more,
    NextToken: more ? tokens.seal('ListStreams', page.at(-1)?.name) : undefined,
    StreamSummaries: page.map((stream) => ({
      StreamName: stream.name,
      StreamARN: stream.arn,
      StreamStatus: stream.status,
      StreamModeDetails: { StreamMode: stream.mode },
      StreamCreationTimestamp: new Timestamp(stream.createdAtMs),
    })),
  });
};

export const describeStream: Operation = (call) => {
  const { input, codec } = call;
  const asked = together({
    limit: () => integerIn(input, 'Limit', 1, 10_000),
    after: () => shardIdIn(input, 'ExclusiveStartShardId'),
    stream: () => streamReferenceIn(input),
  });
  const limit = Math.min(asked.limit ?? maxResults, maxResults);
  const after = asked.after ?? '';
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
      OpenShardCount: stream.shards.filter(({ end }) => end === undefined).length,
      ConsumerCount: stream.consumers.list(call.store.now()).length,
      MaxRecordSizeInKiB: defaultMaxRecordKiB,
    },
  });
};

export const describeLimits: Operation = ({ codec, store }) =>
  codec.encode({
    ShardLimit: shardQuota,
    OpenShardCount: store.openShardCount(),
    OnDemandStreamCount: store.list().filter(({ mode }) => mode === 'ON_DEMAND').length,
    OnDemandStreamCountLimit: onDemandQuota,
  });

const description = (stream: Stream) => ({
  StreamName: stream.name,
  StreamARN: stream.arn,
  StreamStatus: stream.status,
  StreamModeDetails: { StreamMode: stream.mode },
  StreamCreationTimestamp: new Timestamp(stream.createdAtMs),
  RetentionPeriodHours: stream.retention.hours,
  EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
  EncryptionType: 'NONE',
});
