import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { integerIn, oneOfIn, required, textIn, together } from '../protocol/input.ts';
import type { Shard } from '../store/shard.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, noBody, type Operation, shardIdIn, shardOf, streamOf, streamReferenceIn } from './call.ts';
import { assertShardQuota } from './quotas.ts';
import { assertActive, change } from './status.ts';

/** UpdateShardCount, API reference. */
const maxStreamShards = 10_000;
const maxUpdatesPerDay = 10;
const dayMs = 86_400_000;
const hashKeyPattern = /^(?:0|([1-9]\d{0,38}))$/;

export const updateShardCount: Operation = (call) => {
  const { input, codec, store } = call;
  const { target } = together({
    target: () => required(integerIn(input, 'TargetShardCount', 1, 1_000_000), 'TargetShardCount'),
    scaling: () => required(oneOfIn(input, 'ScalingType', ['UNIFORM_SCALING']), 'ScalingType'),
    stream: () => streamReferenceIn(input),
  });
  const stream = reshardable(call);
  const current = stream.openShards().length;
  const counts = `Current open shard count: ${current} Target shard count: ${target}`;
  const refuse = (message: string): never => {
    throw new ApiError('LimitExceededException', message);
  };
  if (target > maxStreamShards) refuse(`Target shard count or number of open shards cannot be greater than ${maxStreamShards}. ${counts}`);
  if (target > current * 2) refuse(`UpdateShardCount cannot scale up over double your current open shard count. ${counts}`);
  if (target < current / 2) refuse(`UpdateShardCount cannot scale down below half your current open shard count. ${counts}`);
  assertShardQuota(store, target - current);
  const nowMs = store.now();
  if (call.limits) takeUpdate(stream, nowMs, store);
  change(stream, 'UPDATING', call, () => stream.reshard(target, store.now()));
  return codec.encode({ StreamName: stream.name, CurrentShardCount: current, TargetShardCount: target, StreamARN: stream.arn });
};

/** Ten in any 24 hours. */
function takeUpdate({ name, shardCountUpdates }: Stream, nowMs: number, { accountId }: Store): void {
  while (shardCountUpdates[0] !== undefined && shardCountUpdates[0] <= nowMs - dayMs) shardCountUpdates.shift();
  if (shardCountUpdates.length >= maxUpdatesPerDay) {
    throw new ApiError(
      'LimitExceededException',
      `Stream ${name} under account ${accountId} has been scaled ${maxUpdatesPerDay} times within a rolling 24-hour period, which is the limit of UpdateShardCount.`,
    );
  }
  shardCountUpdates.push(nowMs);
}

export const splitShard: Operation = (call) => {
  const { input, store } = call;
  const { id, hashKey } = together({
    hashKey: () => required(textIn(input, 'NewStartingHashKey', { max: 39, pattern: hashKeyPattern }), 'NewStartingHashKey'),
    id: () => required(shardIdIn(input, 'ShardToSplit'), 'ShardToSplit'),
    stream: () => streamReferenceIn(input),
  });
  const stream = reshardable(call);
  const shard = shardOf(stream, id, store);
  const at = BigInt(hashKey);
  const { start, end } = shard.range;
  if (at <= start + 1n || at >= end) {
    throw invalidArgument(
      `NewStartingHashKey ${hashKey} used in SplitShard() on shard ${shard.id} in stream ${stream.name} under account ${store.accountId} is not both greater than one plus the shard's StartingHashKey ${start} and less than the shard's EndingHashKey ${end}.`,
    );
  }
  assertOpen(shard, stream, store);
  assertShardQuota(store, 1);
  change(stream, 'UPDATING', call, () => stream.split(shard, at, store.now()));
  return noBody;
};

export const mergeShards: Operation = (call) => {
  const { input, store } = call;
  const ids = together({
    left: () => required(shardIdIn(input, 'ShardToMerge'), 'ShardToMerge'),
    right: () => required(shardIdIn(input, 'AdjacentShardToMerge'), 'AdjacentShardToMerge'),
    stream: () => streamReferenceIn(input),
  });
  const stream = reshardable(call);
  const left = shardOf(stream, ids.left, store);
  const right = shardOf(stream, ids.right, store);
  if (left.range.end + 1n !== right.range.start) {
    throw invalidArgument(
      `Shards ${left.id} and ${right.id} in stream ${stream.name} under account ${store.accountId} are not an adjacent pair of shards eligible for merging`,
    );
  }
  assertOpen(left, stream, store);
  assertOpen(right, stream, store);
  change(stream, 'UPDATING', call, () => stream.merge(left, right, store.now()));
  return noBody;
};

/** The stream of a call that changes its shards. */
function reshardable(call: Call): Stream {
  const stream = streamOf(call);
  if (stream.mode === 'ON_DEMAND') {
    throw new ApiError(
      'ValidationException',
      `Request is invalid. Stream ${stream.name} under account ${call.store.accountId} is in On-Demand mode.`,
    );
  }
  assertActive(stream, call.store);
  return stream;
}

function assertOpen(shard: Shard, stream: Stream, { accountId }: Store): void {
  if (shard.end === undefined) return;
  throw invalidArgument(
    `Shard ${shard.id} in stream ${stream.name} under account ${accountId} has already been merged or split, and thus is not eligible for merging or splitting.`,
  );
}
