import type { Writable } from 'node:stream';
import type { Subscription } from '../fanout/subscription.ts';
import type { Faults } from '../faults/faults.ts';
import type { Subject } from '../faults/subject.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Codec } from '../protocol/codec.ts';
import { ApiError, invalidArgument, malformed, notFound } from '../protocol/errors.ts';
import { type Input, textIn, together } from '../protocol/input.ts';
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
  /** Keeps them, or not, from the next request on. */
  keepLimits(limits: boolean): void;
  /** How long streams and consumers stay CREATING, UPDATING or DELETING. */
  readonly statusDelayMs: number;
  /** The open subscriptions, so that a server that closes can end them. */
  readonly subscriptions: Set<Subscription>;
  /** Blobs of the request under way; operations run to their end without a pause, so one is enough. */
  readonly scratch: Buffer;
}

export interface Call extends Service {
  /** For what outlives the call: the members above stand as they were when it began, and limits may change. */
  readonly service: Service;
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
const arnPattern = /^arn:aws[^:]*:kinesis:([^:]*):(\d{12}):stream\/([a-zA-Z0-9_.-]+)$/;
/** As AWS writes it in messages; it accepts more than arnPattern. */
const arnShape = /^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/;

export const streamNameIn = (input: Input, member = 'StreamName'): string | undefined =>
  textIn(input, member, { max: 128, pattern: namePattern });

export const shardIdIn = (input: Input, member: string): string | undefined => textIn(input, member, { max: 128, pattern: namePattern });

interface StreamReference {
  readonly name: string | undefined;
  readonly arn: string | undefined;
}

/** StreamARN stands wherever StreamName does; either or both are given. */
export const streamReferenceIn = (input: Input): StreamReference =>
  together({
    name: () => streamNameIn(input),
    arn: () => textIn(input, 'StreamARN', { max: 2_048, pattern: arnShape }),
  });

export function streamOf({ input, store }: Call): Stream {
  const { name, arn } = streamReferenceIn(input);
  if (arn !== undefined) return streamByArn(arn, name, store);
  if (name === undefined) throw invalidArgument('Either StreamName or StreamARN must be specified.');
  return store.get(name) ?? streamMissing(name, store);
}

/** There is one account and one region: streams of another account deny access, those of another region are not here. */
export function streamByArn(arn: string, name: string | undefined, store: Store): Stream {
  const [, region, account, named] = arnPattern.exec(arn) ?? [];
  if (named === undefined) throw invalidArgument(`StreamARN ${arn} is not formatted properly.`);
  if (name !== undefined && name !== named) throw invalidArgument('StreamName and StreamARN name different streams.');
  if (account !== store.accountId) {
    throw new ApiError(
      'AccessDeniedException',
      `User: arn:aws:iam::${store.accountId}:root is not authorized to access resource: ${arn} because no resource-based policy allows it`,
    );
  }
  const stream = region === store.region ? store.get(named) : undefined;
  return stream ?? streamMissing(named, store);
}

export function streamMissing(name: string, { accountId }: Store): never {
  throw notFound(`Stream ${name} under account ${accountId} not found.`);
}

export function shardOf(stream: Stream, shardId: string, store: Store): Shard {
  const shard = stream.shard(shardId);
  if (shard !== undefined) return shard;
  throw notFound(`Could not find shard ${shardId} in stream ${stream.name} under account ${store.accountId}.`);
}

/** DryRun checks whether a request would succeed: asked once nothing but the deed itself is left. */
export function assertNotDry({ input }: Call): void {
  const dryRun = input['DryRun'] ?? false;
  if (typeof dryRun !== 'boolean') throw malformed('DryRun must be a boolean');
  if (dryRun) throw new ApiError('DryRunOperationException', 'The request would have succeeded, but the DryRun parameter was specified.');
}

/** Why a shard refuses: used whole by reads and PutRecord, entry by entry by PutRecords. */
export const rateExceeded = (shard: Shard, stream: Stream, store: Store): string =>
  `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${store.accountId}.`;
