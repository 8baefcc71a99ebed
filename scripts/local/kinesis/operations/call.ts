import type { Writable } from 'node:stream';
import type { Subscription } from '../fanout/subscription.ts';
import type { Faults } from '../faults/faults.ts';
import type { Subject } from '../faults/subject.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import { ApiError, invalidArgument, notFound } from '../protocol/errors.ts';
import { type Input, textIn } from '../protocol/input.ts';
import type { Tokens } from '../protocol/tokens.ts';
import type { Clock } from '../store/clock.ts';
import type { Shard } from '../store/shard.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';

/** What all operations of one server share. */
export interface Service {
  readonly store: Store;
  readonly clock: Clock;
  readonly tokens: Tokens;
  readonly faults: Faults;
  readonly metrics: Metrics;
  /** Whether AWS's limits per shard and second are kept. */
  readonly limits: boolean;
  /** How long streams and consumers stay CREATING, UPDATING or DELETING. */
  readonly statusDelayMs: number;
  /** The open subscriptions, so that a server that closes can end them. */
  readonly subscriptions: Set<Subscription>;
  /** Blobs of the request under way; operations run to their end without a pause, so one is enough. */
  readonly scratch: Buffer;
}

export interface Call extends Service {
  readonly input: Input;
  readonly codec: Codec;
  readonly subject: Subject;
  /** What the request has taken until now, with the delay that a fault adds to it. */
  latencyMs(): number;
}

/** An answer of open end, as SubscribeToShard gives it. */
export interface OpenAnswer {
  readonly contentType: string;
  /** Called once, when the status is on its way; everything from then on is the operation's, until either side closes. */
  start(out: Writable): void;
}

/** Answers the body; throws ApiError. Synchronous, so that a request is applied wholly or not at all. */
export type Operation = (call: Call) => Buffer | OpenAnswer;

export const noBody = Buffer.alloc(0);

const namePattern = /^[a-zA-Z0-9_.-]+$/;
const arnPattern = /^arn:aws[^:]*:kinesis:[^:]*:\d{12}:stream\/([a-zA-Z0-9_.-]+)$/;

export const streamNameIn = (input: Input, member = 'StreamName'): string | undefined =>
  textIn(input, member, { max: 128, pattern: namePattern });

export const shardIdIn = (input: Input, member: string): string | undefined => textIn(input, member, { max: 128, pattern: namePattern });

/** StreamARN stands wherever StreamName does; when both are given they must agree. */
function nameOrArnIn(input: Input): string {
  const name = streamNameIn(input);
  const arn = textIn(input, 'StreamARN', { max: 2_048, pattern: arnPattern });
  const named = arn?.replace(arnPattern, '$1');
  if (name !== undefined && named !== undefined && name !== named)
    throw invalidArgument('StreamName and StreamARN name different streams.');
  const found = named ?? name;
  if (found === undefined) throw new ApiError('ValidationException', 'Either StreamName or StreamARN must be specified.');
  return found;
}

export function streamOf({ input, store }: Call): Stream {
  const name = nameOrArnIn(input);
  const stream = store.get(name);
  if (stream === undefined) throw notFound(`Stream ${name} under account ${store.accountId} not found.`);
  return stream;
}

export function shardOf(stream: Stream, shardId: string, store: Store): Shard {
  const shard = stream.shard(shardId);
  if (shard !== undefined) return shard;
  throw notFound(`Could not find shard ${shardId} in stream ${stream.name} under account ${store.accountId}.`);
}

/** Why a shard refuses: used whole by reads and PutRecord, entry by entry by PutRecords. */
export const rateExceeded = (shard: Shard, stream: Stream, store: Store): string =>
  `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${store.accountId}.`;
