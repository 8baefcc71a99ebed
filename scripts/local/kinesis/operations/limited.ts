import { ApiError } from '../protocol/errors.ts';
import { type CallLimit, callLimits } from '../store/call-limits.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, type Operation, rateExceeded } from './call.ts';

/** The operation within its calls a second, when limits are on. */
export function limited(name: string, operation: Operation): Operation {
  const limit = callLimits[name];
  if (limit === undefined || limit.per === 'shard') return operation;
  return (call) => {
    if (call.limits) takeCall(name, limit, call);
    return operation(call);
  };
}

/** Calls for a stream that there is not are counted with the account's: they must not be free either. */
function takeCall(name: string, { perSecond, per }: CallLimit, { store, subject }: Call): void {
  const stream = store.get(subject.stream ?? '');
  if (store.callRates.take((per === 'stream' && stream) || store, name, perSecond, store.now())) return;
  const whose = stream === undefined ? '' : `stream ${stream.name} under `;
  throw new ApiError('LimitExceededException', `Rate exceeded for ${whose}account ${store.accountId}.`);
}

/** As `limited`, for an operation on a shard that has been found. */
export function takeShardCall(name: string, shard: Shard, stream: Stream, { limits, store }: Call): void {
  const limit = callLimits[name];
  if (!limits || limit === undefined || store.callRates.take(shard, name, limit.perSecond, store.now())) return;
  throw new ApiError('ProvisionedThroughputExceededException', rateExceeded(shard, stream, store));
}
