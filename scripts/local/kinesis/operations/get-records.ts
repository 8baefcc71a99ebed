import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { integerIn, required, textIn, together } from '../protocol/input.ts';
import type { Batch } from '../store/record-log.ts';
import { assertNotDry, type Operation, rateExceeded, streamOf } from './call.ts';
import { openIterator, sealIterator } from './iterators.ts';
import { childShape } from './shapes.ts';

/** GetRecords, API reference. */
const maxRecords = 10_000;
const maxBytes = 10_485_760;

export const getRecords: Operation = (call) => {
  const { input, codec, store, limits, faults, metrics } = call;
  const { limit = maxRecords, iterator } = together({
    limit: () => integerIn(input, 'Limit', 1, maxRecords),
    iterator: () => required(textIn(input, 'ShardIterator', { max: 512 }), 'ShardIterator'),
  });
  const { stream, shard, counter } = openIterator(iterator, call);
  if (input['StreamARN'] != null && streamOf(call) !== stream) throw invalidArgument('Invalid ShardIterator.');
  assertNotDry(call);
  const nowMs = store.now();
  if (limits && !shard.readLimit.take(nowMs)) {
    throw new ApiError('ProvisionedThroughputExceededException', rateExceeded(shard, stream, store));
  }
  const batch = shard.log.read(counter, faults.isStuck(call.subject) ? 0 : limit, maxBytes);
  if (limits) shard.readLimit.charge(batch.bytes);
  const ended = shard.end !== undefined && batch.next === undefined;
  const next = { stream, shard, counter: batch.next?.counter ?? Math.max(counter, stream.nextCounter) };
  const body = codec.encodeRead({
    shard,
    batch,
    rest: {
      NextShardIterator: ended ? undefined : sealIterator(next, call),
      MillisBehindLatest: millisBehind(batch, nowMs),
      ChildShards: ended ? shard.children.map(childShape) : undefined,
    },
  });
  metrics.got(stream.name, shard.id, batch, call.latencyMs());
  return body;
};

/** How long the first unread record has waited; 0 only at the tip, so that a reader can rely on it. */
export function millisBehind({ next }: Batch, nowMs: number): number {
  return next === undefined ? 0 : Math.max(1, nowMs - next.arrivalMs);
}
