import { alreadySubscribed } from '../fanout/eviction.ts';
import { Subscription } from '../fanout/subscription.ts';
import { ApiError } from '../protocol/errors.ts';
import { eventStreamType } from '../protocol/event-stream.ts';
import { required, structureIn, together } from '../protocol/input.ts';
import { assertNotDry, type Operation, shardIdIn, shardOf } from './call.ts';
import { consumerArnIn, consumerByArn } from './consumers.ts';
import { counterAt, positionIn, replayed } from './iterators.ts';
import { assertActive } from './status.ts';

export const subscribeToShard: Operation = (call) => {
  const { input, codec, service, subject, store, limits } = call;
  const { arn, shardId, position } = together({
    arn: () => required(consumerArnIn(input), 'ConsumerARN'),
    shardId: () => required(shardIdIn(input, 'ShardId'), 'ShardId'),
    position: () => {
      const given = required(structureIn(input, 'StartingPosition'), 'StartingPosition');
      return positionIn(given, { type: 'Type', sequenceNumber: 'SequenceNumber' });
    },
  });
  const { stream, consumer } = consumerByArn(arn, store);
  if (stream.status !== 'UPDATING') assertActive(stream, store);
  const nowMs = store.now();
  if (consumer.status(nowMs) !== 'ACTIVE') {
    throw new ApiError(
      'ResourceInUseException',
      `Consumer ${consumer.name} with creation timestamp ${consumer.createdAtS} under stream: ${stream.name} , account ${store.accountId} is not in ACTIVE status.`,
    );
  }
  const shard = shardOf(stream, shardId, store);
  const seat = consumer.seat(shard.id);
  const refusal = seat.refusal(nowMs, limits);
  if (refusal === 'in-use') throw alreadySubscribed(consumer, stream, shard, store.accountId);
  if (refusal === 'too-soon') throw new ApiError('LimitExceededException', `Rate exceeded for consumer ${arn} and shard ${shard.id}`);
  const counter = counterAt(position, 'SubscribeToShard', stream, shard, call);
  assertNotDry(call);
  const parts = { service, subject, codec, consumer, seat, stream, shard };
  const subscription = new Subscription({ ...parts, counter: replayed(position, counter, shard, call) });
  seat.take(nowMs, subscription);
  call.metrics.subscribed(stream.name, consumer.name);
  return { contentType: eventStreamType, start: (out) => subscription.start(out) };
};
