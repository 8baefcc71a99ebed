import { ApiError, invalidArgument, notFound } from '../protocol/errors.ts';
import { type Input, oneOfIn, required, textIn, timestampIn, together } from '../protocol/input.ts';
import type { DecodedSequence } from '../store/sequence.ts';
import { type Shard, shardIdOf } from '../store/shard.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import {
  assertNotDry,
  type Call,
  type Operation,
  type Service,
  shardIdIn,
  shardOf,
  streamMissing,
  streamOf,
  streamReferenceIn,
} from './call.ts';
import { takeShardCall } from './limited.ts';

/** GetShardIterator, API reference: "A shard iterator expires 5 minutes after it is returned to the requester". */
const iteratorLifeMs = 300_000;
/** In the order in which AWS names them. */
const iteratorTypes = ['AFTER_SEQUENCE_NUMBER', 'LATEST', 'AT_TIMESTAMP', 'AT_SEQUENCE_NUMBER', 'TRIM_HORIZON'] as const;
const sequencePattern = /^(?:0|([1-9]\d{0,128}))$/;

/** A place in a shard: the next record is the first whose counter is ≥ `counter`. */
export interface Place {
  readonly stream: Stream;
  readonly shard: Shard;
  readonly counter: number;
}

interface IteratorToken {
  readonly name: string;
  readonly incarnation: number;
  readonly shardId: string;
  readonly counter: number;
  readonly issuedAtMs: number;
}

export function sealIterator({ stream, shard, counter }: Place, { tokens, store }: Service): string {
  const token: IteratorToken = {
    name: stream.name,
    incarnation: stream.incarnation,
    shardId: shard.id,
    counter,
    issuedAtMs: store.now(),
  };
  return tokens.seal('ShardIterator', token);
}

export function openIterator(text: string, { tokens, store }: Service): Place {
  const token = tokens.open('ShardIterator', text) as IteratorToken | undefined;
  if (token === undefined) throw invalidArgument('Invalid ShardIterator.');
  const stream = store.get(token.name);
  if (stream?.incarnation !== token.incarnation) streamMissing(token.name, store);
  const nowMs = store.now();
  if (nowMs - token.issuedAtMs > iteratorLifeMs) {
    throw new ApiError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${timeText(token.issuedAtMs)} while right now it is ${timeText(nowMs)} which is further in the future than the tolerated delay of ${iteratorLifeMs} milliseconds.`,
    );
  }
  return { stream, shard: shardOf(stream, token.shardId, store), counter: token.counter };
}

/** As Java writes a time: Thu Jan 22 01:22:02 UTC 2015. */
function timeText(epochMs: number): string {
  const [weekday, day, month, year, time] = new Date(epochMs).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day} ${time} UTC ${year}`;
}

export const getShardIterator: Operation = (call) => {
  const { input, codec, store } = call;
  const { shardId, position } = together({
    shardId: () => required(shardIdIn(input, 'ShardId'), 'ShardId'),
    position: () => positionIn(input, { type: 'ShardIteratorType', sequenceNumber: 'StartingSequenceNumber' }),
    stream: () => streamReferenceIn(input),
  });
  const stream = streamOf(call);
  const shard = stream.shard(shardId);
  if (shard === undefined) {
    throw notFound(`Shard ${shardId} in stream ${stream.name} under account ${store.accountId} does not exist`);
  }
  const counter = counterAt(position, 'GetShardIterator', stream, shard, call);
  assertNotDry(call);
  takeShardCall('GetShardIterator', shard, stream, call);
  return codec.encode({ ShardIterator: sealIterator({ stream, shard, counter: replayed(position, counter, shard, call) }, call) });
};

/** Where to begin in a shard, as GetShardIterator and SubscribeToShard are told it; not yet checked against the shard. */
export interface Position {
  readonly type: (typeof iteratorTypes)[number];
  readonly sequenceNumber: string | undefined;
  readonly timestampMs: number | undefined;
}

/** `names`: what the operation calls the members. */
export function positionIn(input: Input, names: { readonly type: string; readonly sequenceNumber: string }): Position {
  return together({
    type: () => required(oneOfIn(input, names.type, iteratorTypes), names.type),
    sequenceNumber: () => textIn(input, names.sequenceNumber, { max: 129, pattern: sequencePattern }),
    timestampMs: () => timestampIn(input, 'Timestamp'),
  });
}

/** The counter of the first record to read: see Place. */
export function counterAt(position: Position, operation: string, stream: Stream, shard: Shard, { store }: Call): number {
  checkSequence(position);
  switch (position.type) {
    case 'AT_SEQUENCE_NUMBER': {
      const { counter, behind } = sequenceAt(position, operation, stream, shard, store);
      return behind ? counter + 1 : counter;
    }
    case 'AFTER_SEQUENCE_NUMBER':
      return sequenceAt(position, operation, stream, shard, store).counter + 1;
    case 'AT_TIMESTAMP':
      return shard.log.firstArrivedFrom(timestampAt(position, store)) ?? stream.nextCounter;
    case 'LATEST':
      return stream.nextCounter;
    default:
      return 0;
  }
}

/**
 * A reader that says where it stands may get records before it again, as a fault wants it. Asked once nothing can refuse the
 * call any more, since it counts.
 */
export function replayed({ type }: Position, counter: number, shard: Shard, { faults, subject }: Call): number {
  const records = type.endsWith('_SEQUENCE_NUMBER') ? faults.duplicatesFor(subject) : 0;
  return records === 0 ? counter : shard.log.counterBefore(counter, records);
}

function timestampAt({ timestampMs }: Position, store: Store): number {
  if (timestampMs === undefined) {
    throw invalidArgument(
      'Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.',
    );
  }
  const nowMs = store.now();
  if (timestampMs <= nowMs) return timestampMs;
  throw invalidArgument(
    `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${nowMs}`,
  );
}

/** A sequence number belongs to the types that name one, and to no other. */
function checkSequence({ type, sequenceNumber }: Position): void {
  const wanted = type.endsWith('_SEQUENCE_NUMBER');
  if (wanted === (sequenceNumber !== undefined)) return;
  throw invalidArgument(
    `Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified ${type} and ${wanted ? 'no' : 'also a'} StartingSequenceNumber.`,
  );
}

function sequenceAt({ sequenceNumber = '' }: Position, operation: string, stream: Stream, shard: Shard, store: Store): DecodedSequence {
  const sequence = stream.decodeSequence(sequenceNumber);
  const used = `StartingSequenceNumber ${sequenceNumber} used in ${operation} on shard ${shard.id} in stream ${stream.name} under account ${store.accountId} is invalid`;
  if (sequence === undefined) throw invalidArgument(`${used} because it did not come from this stream.`);
  if (sequence.shardIndex !== shard.index) {
    throw invalidArgument(
      `Invalid StartingSequenceNumber. It encodes ${shardIdOf(sequence.shardIndex)}, while it was used in a call to a shard with ${shard.id}`,
    );
  }
  if (sequence.counter < shard.startCounter || sequence.counter >= stream.nextCounter) throw invalidArgument(`${used}.`);
  return sequence;
}
