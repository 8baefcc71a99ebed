import { ApiError, invalidArgument, notFound } from '../protocol/errors.ts';
import { type Input, integerIn, required, textIn, timestampIn, together } from '../protocol/input.ts';
import { Timestamp } from '../protocol/timestamp.ts';
import { Consumer } from '../store/consumers.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, noBody, type Operation, streamByArn, streamOf, streamReferenceIn } from './call.ts';
import { openPage, sealPage } from './page-token.ts';
import { assertActive } from './status.ts';
import { addTags, tagsIn } from './tag-rules.ts';

/** RegisterStreamConsumer, API reference: consumers per stream, and of these in CREATING at once. */
const maxConsumers = 20;
const maxCreating = 5;
/** ListStreamConsumers, API reference: "If you specify a value greater than 100, at most 100 results are returned". */
const maxResults = 100;

const namePattern = /^[a-zA-Z0-9_.-]+$/;
/** As AWS writes it in messages. */
const consumerArnShape = /^arn:aws.*:kinesis:.*:\d{12}:.*stream\/[a-zA-Z0-9_.-]+\/consumer\/[a-zA-Z0-9_.-]+:[0-9]+$/;

export const consumerArnIn = (input: Input): string | undefined => textIn(input, 'ConsumerARN', { max: 2_048, pattern: consumerArnShape });
const consumerNameIn = (input: Input): string | undefined => textIn(input, 'ConsumerName', { max: 128, pattern: namePattern });

export interface FoundConsumer {
  readonly stream: Stream;
  readonly consumer: Consumer;
}

export function consumerByArn(arn: string, store: Store): FoundConsumer {
  const stream = streamByArn(arn.slice(0, arn.lastIndexOf('/consumer/')), undefined, store);
  const consumer = stream.consumers.list(store.now()).find((one) => one.arn === arn);
  if (consumer === undefined) throw notFound(`Consumer ${arn} under account ${store.accountId} not found.`);
  return { stream, consumer };
}

/** By ConsumerARN, or StreamARN and ConsumerName, or all three when they agree. */
function consumerOf(call: Call): FoundConsumer {
  const { input, store } = call;
  const { arn, name, ofStream } = together({
    ofStream: () => streamReferenceIn(input).arn,
    name: () => consumerNameIn(input),
    arn: () => consumerArnIn(input),
  });
  if (arn === undefined) {
    if (name === undefined || ofStream === undefined) {
      throw invalidArgument('Either ConsumerARN or both StreamARN and ConsumerName must be specified.');
    }
    const stream = streamByArn(ofStream, undefined, store);
    const consumer = stream.consumers.list(store.now()).find((one) => one.name === name);
    if (consumer === undefined) throw notFound(`Consumer ${name} under stream ${stream.name} under account ${store.accountId} not found.`);
    return { stream, consumer };
  }
  const found = consumerByArn(arn, store);
  if ((ofStream ?? found.stream.arn) !== found.stream.arn || (name ?? found.consumer.name) !== found.consumer.name) {
    throw invalidArgument('ConsumerARN, StreamARN and ConsumerName name different consumers.');
  }
  return found;
}

export const registerStreamConsumer: Operation = (call) => {
  const { input, codec, store, statusDelayMs } = call;
  const { name, tags } = together({
    stream: () => required(streamReferenceIn(input).arn, 'StreamARN'),
    name: () => required(consumerNameIn(input), 'ConsumerName'),
    tags: () => tagsIn(input),
  });
  const stream = streamOf(call);
  if (stream.status !== 'UPDATING') assertActive(stream, store);
  const nowMs = store.now();
  const others = stream.consumers.list(nowMs);
  const creating = others.filter((one) => one.status(nowMs) === 'CREATING');
  if (others.some((one) => one.name === name)) {
    throw new ApiError(
      'ResourceInUseException',
      `Consumer ${name} under stream ${stream.arn} already exists for account ${store.accountId}.`,
    );
  }
  if (others.length >= maxConsumers) {
    throw new ApiError(
      'LimitExceededException',
      `Stream ${stream.name} under account ${store.accountId} has its ${maxConsumers} consumers.`,
    );
  }
  if (creating.length >= maxCreating) {
    throw new ApiError('LimitExceededException', `${maxCreating} consumers under stream ${stream.name} are in CREATING status already.`);
  }
  const consumer = new Consumer(stream.arn, name, nowMs, statusDelayMs);
  if (tags !== undefined) addTags({ tags: consumer.tags, title: `consumer ${name} under account ${store.accountId}` }, tags);
  stream.consumers.add(consumer);
  // AWS answers CREATING however soon it is ACTIVE.
  return codec.encode({ Consumer: { ...shapeOf(consumer, nowMs), ConsumerStatus: 'CREATING' } });
};

export const describeStreamConsumer: Operation = (call) => {
  const { stream, consumer } = consumerOf(call);
  return call.codec.encode({ ConsumerDescription: { ...shapeOf(consumer, call.store.now()), StreamARN: stream.arn } });
};

export const deregisterStreamConsumer: Operation = (call) => {
  consumerOf(call).consumer.delete(call.store.now() + call.statusDelayMs);
  return noBody;
};

export const listStreamConsumers: Operation = (call) => {
  const { input, codec, store } = call;
  const asked = together({
    stream: () => required(streamReferenceIn(input).arn, 'StreamARN'),
    token: () => textIn(input, 'NextToken', { max: 1_048_576 }),
    limit: () => integerIn(input, 'MaxResults', 1, 10_000),
  });
  const stream = streamOf(call);
  const nowMs = store.now();
  const after = afterIn(call, stream, asked.token);
  const rest = stream.consumers.list(nowMs).filter(({ name }) => name > after);
  const page = rest.slice(0, Math.min(asked.limit ?? maxResults, maxResults));
  return codec.encode({
    Consumers: page.map((consumer) => shapeOf(consumer, nowMs)),
    NextToken: rest.length > page.length ? sealPage('ListStreamConsumers', stream, page.at(-1)?.name ?? after, call) : undefined,
  });
};

/** The name that a page begins behind. */
function afterIn(call: Call, stream: Stream, text: string | undefined): string {
  const { input, store } = call;
  const createdAtMs = timestampIn(input, 'StreamCreationTimestamp');
  if (text === undefined) {
    // A caller may have the timestamp from an answer in whole seconds.
    if (createdAtMs === undefined || Math.floor(createdAtMs / 1_000) === Math.floor(stream.createdAtMs / 1_000)) return '';
    throw notFound(`Stream ${stream.name} under account ${store.accountId} and created at ${createdAtMs} not found.`);
  }
  if (createdAtMs !== undefined) throw invalidArgument('NextToken and StreamCreationTimestamp cannot be provided together.');
  const page = openPage('ListStreamConsumers', text, call);
  if (page.stream !== stream) throw invalidArgument('The NextToken is invalid.');
  return page.more as string;
}

const shapeOf = (consumer: Consumer, nowMs: number) => ({
  ConsumerName: consumer.name,
  ConsumerARN: consumer.arn,
  ConsumerStatus: consumer.status(nowMs),
  ConsumerCreationTimestamp: new Timestamp(consumer.createdAtMs),
});
