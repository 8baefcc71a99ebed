import { ApiError, invalidArgument, notFound } from '../protocol/errors.ts';
import { type Input, integerIn, required, textIn, timestampIn } from '../protocol/input.ts';
import { Timestamp } from '../protocol/timestamp.ts';
import { Consumer } from '../store/consumers.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, noBody, type Operation, streamOf } from './call.ts';
import { addTags, tagsIn } from './tag-rules.ts';

/** RegisterStreamConsumer, API reference: consumers per stream, and of these in CREATING at once. */
const maxConsumers = 20;
const maxCreating = 5;
const defaultResults = 100;
const tokenLifeMs = 300_000; // ListStreamConsumers, API reference: "Tokens expire after 300 seconds"

const namePattern = /^[a-zA-Z0-9_.-]+$/;
const consumerArnPattern = /^arn:aws[^:]*:kinesis:[^:]*:\d{12}:stream\/([a-zA-Z0-9_.-]+)\/consumer\/[a-zA-Z0-9_.-]+:\d+$/;

export const consumerArnIn = (input: Input): string | undefined =>
  textIn(input, 'ConsumerARN', { max: 2_048, pattern: consumerArnPattern });

const consumerNameIn = (input: Input): string | undefined => textIn(input, 'ConsumerName', { max: 128, pattern: namePattern });

export interface FoundConsumer {
  readonly stream: Stream;
  readonly consumer: Consumer;
}

export function consumerByArn(arn: string, store: Store): FoundConsumer {
  const stream = store.get(arn.replace(consumerArnPattern, '$1'));
  const consumer = stream?.consumers.byArn(arn, store.now());
  if (stream === undefined || consumer === undefined) throw notFound(`Consumer ${arn} under account ${store.accountId} not found.`);
  return { stream, consumer };
}

/** By ConsumerARN, or StreamARN and ConsumerName, or all three when they agree. */
function consumerOf(call: Call): FoundConsumer {
  const { input, store } = call;
  const arn = consumerArnIn(input);
  const name = consumerNameIn(input);
  const streamGiven = input['StreamARN'] != null;
  if (arn === undefined && (name === undefined || !streamGiven)) {
    throw invalidArgument('Either ConsumerARN or both StreamARN and ConsumerName must be specified.');
  }
  const byArn = arn === undefined ? undefined : consumerByArn(arn, store);
  const stream = streamGiven ? streamOf(call) : byArn?.stream;
  const consumer = name === undefined ? byArn?.consumer : stream?.consumers.byName(name, store.now());
  if (byArn !== undefined && (byArn.stream !== stream || byArn.consumer !== consumer)) {
    throw invalidArgument('ConsumerARN, StreamARN and ConsumerName name different consumers.');
  }
  if (stream !== undefined && consumer !== undefined) return { stream, consumer };
  throw notFound(`Consumer ${name} under stream ${stream?.name} under account ${store.accountId} not found.`);
}

export const registerStreamConsumer: Operation = (call) => {
  const { input, codec, store, statusDelayMs } = call;
  required(textIn(input, 'StreamARN', { max: 2_048 }), 'StreamARN');
  const name = required(consumerNameIn(input), 'ConsumerName');
  const tags = tagsIn(input);
  const stream = streamOf(call);
  const nowMs = store.now();
  const others = stream.consumers.list(nowMs);
  if (others.some((consumer) => consumer.name === name)) {
    throw new ApiError(
      'ResourceInUseException',
      `Consumer ${name} under stream ${stream.name} already exists for account ${store.accountId}.`,
    );
  }
  if (others.length >= maxConsumers) {
    throw new ApiError(
      'LimitExceededException',
      `Stream ${stream.name} under account ${store.accountId} has ${maxConsumers} consumers, the limit.`,
    );
  }
  if (others.filter((consumer) => consumer.status(nowMs) === 'CREATING').length >= maxCreating) {
    throw new ApiError('LimitExceededException', `${maxCreating} consumers of stream ${stream.name} are in CREATING status, the limit.`);
  }
  const consumer = new Consumer(stream.arn, name, nowMs, statusDelayMs);
  if (tags !== undefined) addTags({ tags: consumer.tags, title: `consumer ${name} under account ${store.accountId}` }, tags);
  stream.consumers.add(consumer);
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

interface PageToken {
  readonly arn: string;
  readonly incarnation: number;
  readonly after: string;
  readonly issuedAtMs: number;
}

export const listStreamConsumers: Operation = (call) => {
  const { input, codec, tokens, store } = call;
  const limit = Math.min(integerIn(input, 'MaxResults', 1, 10_000) ?? defaultResults, defaultResults);
  required(textIn(input, 'StreamARN', { max: 2_048 }), 'StreamARN');
  const stream = streamOf(call);
  const nowMs = store.now();
  const rest = stream.consumers.list(nowMs).filter(({ name }) => name > afterIn(call, stream));
  const page = rest.slice(0, limit);
  const token: PageToken = { arn: stream.arn, incarnation: stream.incarnation, after: page.at(-1)?.name ?? '', issuedAtMs: nowMs };
  return codec.encode({
    Consumers: page.map((consumer) => shapeOf(consumer, nowMs)),
    NextToken: rest.length > page.length ? tokens.seal(token) : undefined,
  });
};

/** The name that a page begins behind. */
function afterIn({ input, tokens, store }: Call, stream: Stream): string {
  const createdAtMs = timestampIn(input, 'StreamCreationTimestamp');
  const text = textIn(input, 'NextToken', { max: 1_048_576 });
  if (text === undefined) {
    if (createdAtMs === undefined || Math.floor(createdAtMs / 1_000) === Math.floor(stream.createdAtMs / 1_000)) return '';
    throw notFound(`Stream ${stream.name} under account ${store.accountId} with this creation timestamp not found.`);
  }
  if (createdAtMs !== undefined) throw invalidArgument('NextToken and StreamCreationTimestamp cannot be provided together.');
  const token = tokens.open(text) as PageToken | undefined;
  if (token?.arn !== stream.arn || token.incarnation !== stream.incarnation) throw invalidArgument('The NextToken is invalid.');
  if (store.now() - token.issuedAtMs > tokenLifeMs) throw new ApiError('ExpiredNextTokenException', 'The NextToken has expired.');
  return token.after;
}

const shapeOf = (consumer: Consumer, nowMs: number) => ({
  ConsumerName: consumer.name,
  ConsumerARN: consumer.arn,
  ConsumerStatus: consumer.status(nowMs),
  ConsumerCreationTimestamp: new Timestamp(consumer.createdAtMs),
});
