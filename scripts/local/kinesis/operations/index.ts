import { ApiError } from '../protocol/errors.ts';
import type { Operation } from './call.ts';
import { deregisterStreamConsumer, describeStreamConsumer, listStreamConsumers, registerStreamConsumer } from './consumers.ts';
import { getRecords } from './get-records.ts';
import { getShardIterator } from './iterators.ts';
import { listShards } from './list-shards.ts';
import { putRecord, putRecords } from './put.ts';
import { mergeShards, splitShard, updateShardCount } from './reshard.ts';
import { createStream, deleteStream, describeLimits, describeStream, describeStreamSummary, listStreams } from './streams.ts';
import { subscribeToShard } from './subscribe.ts';

const operations: ReadonlyMap<string, Operation> = new Map(
  Object.entries({
    CreateStream: createStream,
    DeleteStream: deleteStream,
    DeregisterStreamConsumer: deregisterStreamConsumer,
    DescribeLimits: describeLimits,
    DescribeStream: describeStream,
    DescribeStreamConsumer: describeStreamConsumer,
    DescribeStreamSummary: describeStreamSummary,
    GetRecords: getRecords,
    GetShardIterator: getShardIterator,
    ListShards: listShards,
    ListStreamConsumers: listStreamConsumers,
    ListStreams: listStreams,
    MergeShards: mergeShards,
    PutRecord: putRecord,
    PutRecords: putRecords,
    RegisterStreamConsumer: registerStreamConsumer,
    SplitShard: splitShard,
    SubscribeToShard: subscribeToShard,
    UpdateShardCount: updateShardCount,
  }),
);

/** The rest of the API of 2013-12-02: known, so that a caller learns that the server lacks it and not that it has misspelt it. */
const unsupported: ReadonlySet<string> = new Set(
  `AddTagsToStream DecreaseStreamRetentionPeriod DeleteResourcePolicy DescribeAccountSettings
   DisableEnhancedMonitoring EnableEnhancedMonitoring GetResourcePolicy IncreaseStreamRetentionPeriod
   ListTagsForResource ListTagsForStream PutResourcePolicy
   RemoveTagsFromStream StartStreamEncryption StopStreamEncryption TagResource UntagResource
   UpdateAccountSettings UpdateMaxRecordSize UpdateStreamMode UpdateStreamWarmThroughput`.split(/\s+/),
);

const targetPrefix = 'Kinesis_20131202.';

/** The operation an x-amz-target header names. */
export function operationNamed(target: string): { readonly name: string; readonly operation: Operation } {
  const name = target.startsWith(targetPrefix) ? target.slice(targetPrefix.length) : '';
  const operation = operations.get(name);
  if (operation !== undefined) return { name, operation };
  if (unsupported.has(name)) throw new ApiError('UnsupportedOperationException', `This local server does not support ${name}.`);
  throw new ApiError('UnknownOperationException', `Unknown operation: ${target.slice(0, 200) || 'no x-amz-target'}`);
}
