import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { integerIn, oneOfIn, required } from '../protocol/input.ts';
import { type Operation, streamOf } from './call.ts';
import { assertQuota } from './streams.ts';

export const updateShardCount: Operation = (call) => {
  const { input, codec, store } = call;
  const target = required(integerIn(input, 'TargetShardCount', 1, 1_000_000), 'TargetShardCount');
  required(oneOfIn(input, 'ScalingType', ['UNIFORM_SCALING']), 'ScalingType');
  const stream = streamOf(call);
  if (stream.mode === 'ON_DEMAND') {
    throw new ApiError('ValidationException', `Stream ${stream.name} is in ON_DEMAND mode: its shard count cannot be updated.`);
  }
  const current = stream.openShards().length;
  // UpdateShardCount, API reference: at most double, at least half of what is open now.
  if (target > current * 2 || target < current / 2) {
    throw invalidArgument(
      `TargetShardCount ${target} is not between half and double the current ${current} open shards of ${stream.name}.`,
    );
  }
  assertQuota(store.openShardCount(), target - current, store.accountId);
  stream.reshard(target, store.now());
  return codec.encode({ StreamName: stream.name, CurrentShardCount: current, TargetShardCount: target, StreamARN: stream.arn });
};
