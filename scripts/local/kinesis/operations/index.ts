import { ApiError } from '../protocol/errors.ts';
import type { Operation } from './call.ts';
import { deregisterStreamConsumer, describeStreamConsumer, listStreamConsumers, registerStreamConsumer } from './consumers.ts';
import { getRecords } from './get-records.ts';
import { getShardIterator } from './iterators.ts';
import { limited } from './limited.ts';
import { listShards } from './list-shards.ts';
import { putRecord, putRecords } from './put.ts';
import { mergeShards, splitShard, updateShardCount } from './reshard.ts';
import { decreaseStreamRetentionPeriod, increaseStreamRetentionPeriod } from './retention.ts';
import { createStream, deleteStream, describeLimits, describeStream, describeStreamSummary, listStreams } from './streams.ts';
import { subscribeToShard } from './subscribe.ts';
import { addTagsToStream, listTagsForResource, listTagsForStream, removeTagsFromStream, tagResource, untagResource } from './tags.ts';

const served: Readonly<Record<string, Operation>> = {
  AddTagsToStream: addTagsToStream,
  CreateStream: createStream,
  DecreaseStreamRetentionPeriod: decreaseStreamRetentionPeriod,
  DeleteStream: deleteStream,
  DeregisterStreamConsumer: deregisterStreamConsumer,
  DescribeLimits: describeLimits,
  DescribeStream: describeStream,
  DescribeStreamConsumer: describeStreamConsumer,
  DescribeStreamSummary: describeStreamSummary,
  GetRecords: getRecords,
  GetShardIterator: getShardIterator,
  IncreaseStreamRetentionPeriod: increaseStreamRetentionPeriod,
  ListShards: listShards,
  ListStreamConsumers: listStreamConsumers,
  ListStreams: listStreams,
  ListTagsForResource: listTagsForResource,
  ListTagsForStream: listTagsForStream,
  MergeShards: mergeShards,
  PutRecord: putRecord,
  PutRecords: putRecords,
  RegisterStreamConsumer: registerStreamConsumer,
  RemoveTagsFromStream: removeTagsFromStream,
  SplitShard: splitShard,
  SubscribeToShard: subscribeToShard,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateShardCount: updateShardCount,
};

export const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries(served).map(([name, operation]) => [name, limited(name, operation)]),
);

/** The rest of the API of 2013-12-02: known, so that a caller learns that the server lacks it and not that it has misspelt it. */
export const unsupported: ReadonlySet<string> = new Set([
  'CreateChannel',
  'DeleteChannel',
  'DeleteResourcePolicy',
  'DescribeAccountSettings',
  'DescribeChannel',
  'DisableEnhancedMonitoring',
  'EnableEnhancedMonitoring',
  'GetResourcePolicy',
  'ListChannels',
  'PutResourcePolicy',
  'StartStreamEncryption',
  'StopStreamEncryption',
  'UpdateAccountSettings',
  'UpdateChannel',
  'UpdateMaxRecordSize',
  'UpdateStreamMode',
  'UpdateStreamRecordDistributionStrategy',
  'UpdateStreamWarmThroughput',
]);

const targetPrefix = 'Kinesis_20131202.';

/** The operation an x-amz-target header names. */
export function operationNamed(target: string): { readonly name: string; readonly operation: Operation } {
  const name = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : '';
  const operation = operations.get(name);
  if (operation !== undefined) return { name, operation };
  if (unsupported.has(name)) throw new ApiError('UnsupportedOperationException', `This local server does not support ${name}.`);
  throw new ApiError('UnknownOperationException', `Unknown operation: ${target.slice(0, 200) || 'no x-amz-target'}`);
}
