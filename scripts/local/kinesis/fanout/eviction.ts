import { ApiError, notFound } from '../protocol/errors.ts';
import type { Eviction } from '../store/consumer-seat.ts';
import type { Consumer } from '../store/consumers.ts';
import type { Shard } from '../store/shard.ts';
import type { Stream } from '../store/stream.ts';

export const alreadySubscribed = (consumer: Consumer, stream: Stream, shard: Shard, accountId: string): ApiError =>
  new ApiError(
    'ResourceInUseException',
    `Another active subscription exists for this consumer: ${accountId}:${stream.name}:${shard.id}:${consumer.name}`,
  );

/** What the reader of a subscription is told that ends before its time. */
export function evictionError(reason: Eviction, consumer: Consumer, stream: Stream, shard: Shard, accountId: string): ApiError {
  switch (reason) {
    case 'taken-over':
      return alreadySubscribed(consumer, stream, shard, accountId);
    case 'consumer-deleted':
      return notFound(`Consumer ${consumer.arn} under account ${accountId} not found.`);
    case 'stream-deleted':
      return notFound(`Stream ${stream.name} under account ${accountId} not found.`);
  }
}
