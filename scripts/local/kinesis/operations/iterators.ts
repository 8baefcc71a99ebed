import { ApiError, invalidArgument } from '../protocol/errors.ts';
import { type Input, oneOfIn, required, textIn, timestampIn } from '../protocol/input.ts';
import type { DecodedSequence } from '../store/sequence.ts';
import type { Shard } from '../store/shard.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import { type Call, type Operation, type Service, shardIdIn, shardOf, streamOf } from './call.ts';

/** GetShardIterator, API reference: "A shard iterator expires 5 minutes after it is returned to the requester". */
const iteratorLifeMs = 300_000;
const iteratorTypes = ['AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER', 'TRIM_HORIZON', 'LATEST', 'AT_TIMESTAMP'] as const;
const sequencePattern = /^(0|[1-9]\d{0,128})$/;

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
  return tokens.seal(token);
}

export function openIterator(text: string, { tokens, store }: Service): Place {
  const token = tokens.open(text) as IteratorToken | undefined;
  if (token?.shardId === undefined) throw invalidArgument('Invalid ShardIterator.');
  const stream = store.get(token.name);
  if (stream?.incarnation !== token.incarnation) {
    throw new ApiError('ResourceNotFoundException', `Stream ${token.name} under account ${store.accountId} not found.`);
  }
  const nowMs = store.now();
  if (nowMs - token.issuedAtMs > iteratorLifeMs) {
    throw new ApiError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${token.issuedAtMs} while right now it is ${nowMs} which is further in the future than the tolerated delay of ${iteratorLifeMs} milliseconds.`,
    );
  }
  return { stream, shard: shardOf(stream, token.shardId, store), counter: token.counter };
}

export const getShardIterator: Operation = (call) => {
  const { input, codec, store } = call;
  const shardId = required(shardIdIn(input, 'ShardId'), 'ShardId');
  const position = positionIn(input, { type: 'ShardIteratorType', sequenceNumber: 'StartingSequenceNumber' });
  const stream = streamOf(call);
  const shard = shardOf(stream, shardId, store);
  return codec.encode({
    ShardIterator: sealIterator({ stream, shard, counter: counterAt(position, 'GetShardIterator', stream, shard, call) }, call),
  });
};

/** Where to begin in a shard, as GetShardIterator and SubscribeToShard are told it; not yet checked against the shard. */
export interface Position {
  readonly type: (typeof iteratorTypes)[number];
  readonly sequenceNumber: string | undefined;
  readonly timestampMs: number | undefined;
}

/** `names`: what the operation calls the members. */
export function positionIn(input: Input, names: { readonly type: string; readonly sequenceNumber: string }): Position {
  return {
    type: required(oneOfIn(input, names.type, iteratorTypes), names.type),
    sequenceNumber: textIn(input, names.sequenceNumber, { max: 129, pattern: sequencePattern }),
    timestampMs: timestampIn(input, 'Timestamp'),
  };
}

/** The counter of the first record to read: see Place. */
export function counterAt(position: Position, operation: string, stream: Stream, shard: Shard, call: Call): number {
  const { store } = call;
  switch (position.type) {
    case 'AT_SEQUENCE_NUMBER': {
      const { counter, behind } = sequenceAt(position, operation, stream, shard, store);
      return replayed(behind ? counter + 1 : counter, shard, call);
    }
    case 'AFTER_SEQUENCE_NUMBER':
      return replayed(sequenceAt(position, operation, stream, shard, store).counter + 1, shard, call);
    case 'AT_TIMESTAMP':
      return shard.log.firstArrivedFrom(timestampAt(position, store)) ?? stream.nextCounter;
    case 'LATEST':
      return stream.nextCounter;
    default:
      return 0;
  }
}

/** A reader that says where it stands may get records before it again, as a fault wants it. */
function replayed(counter: number, shard: Shard, { faults, subject }: Call): number {
  const records = faults.duplicatesFor(subject);
  return records === 0 ? counter : shard.log.counterBefore(counter, records);
}

function timestampAt({ timestampMs }: Position, store: Store): number {
  if (timestampMs === undefined) throw invalidArgument('Must specify timestamp parameter for iterator type AT_TIMESTAMP.');
  const nowMs = store.now();
  if (timestampMs <= nowMs) return timestampMs;
  throw invalidArgument(
    `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${timestampMs}, currentTimestampInMillis: ${nowMs}`,
  );
}

function sequenceAt({ sequenceNumber }: Position, operation: string, stream: Stream, shard: Shard, store: Store): DecodedSequence {
  if (sequenceNumber === undefined) throw invalidArgument('Must specify StartingSequenceNumber for this iterator type.');
  const sequence = stream.decodeSequence(sequenceNumber);
  if (sequence?.shardIndex === shard.index && sequence.counter >= shard.startCounter) return sequence;
  throw invalidArgument(
    `StartingSequenceNumber ${sequenceNumber} used in ${operation} on shard ${shard.id} in stream ${stream.name} under account ${store.accountId} is invalid because it did not come from this shard.`,
  );
}
