import { internalFailureMessage } from '../faults/refusals.ts';
import { PutTally } from '../metrics/put-tally.ts';
import { ApiError, constraintBroken, invalidArgument, malformed } from '../protocol/errors.ts';
import { type Input, isStructure, patternText, textIn } from '../protocol/input.ts';
import type { PutEntry } from '../protocol/results.ts';
import { hashKeys } from '../store/hash-ranges.ts';
import { sequenceText } from '../store/sequence.ts';
import type { Store } from '../store/store.ts';
import type { Stream } from '../store/stream.ts';
import { assertNotDry, type Call, type Operation, rateExceeded, streamMissing, streamOf } from './call.ts';

/** PutRecords and PutRecord, API reference: sizes count the data before base64 and the key as UTF-8. */
export const maxEntries = 500;
const maxRecordBytes = 1_048_576;
export const maxRequestBytes = 10_485_760;
const maxKeyLength = 256;
const hashKeyPattern = /^(?:0|([1-9]\d{0,38}))$/;
const sequencePattern = /^(?:0|([1-9]\d{0,128}))$/;

/** One checked record, its data waiting in the scratch buffer at [start, end). */
interface Staged {
  readonly key: string;
  readonly keyBytes: number;
  readonly explicitHashKey: bigint | undefined;
  readonly start: number;
  readonly end: number;
}

export const putRecords: Operation = (call) => {
  const { input, codec, store } = call;
  const records = input['Records'];
  if (records == null) throw constraintBroken('records', undefined, 'not be null');
  if (!Array.isArray(records)) throw malformed('Records must be a list');
  if (records.length < 1) throw constraintBroken('records', '[]', 'have length greater than or equal to 1');
  if (records.length > maxEntries)
    throw constraintBroken('records', `[${records.length}]`, `have length less than or equal to ${maxEntries}`);
  const stream = writableStreamOf(call);
  const staged: Staged[] = [];
  let position = 0;
  let total = 0;
  for (let i = 0; i < records.length; i++) {
    const record: unknown = records[i];
    if (!isStructure(record)) throw malformed('an entry of Records must be a structure');
    const entry = stage(call, record, position, total, i);
    position = entry.end;
    total += entry.end - entry.start + entry.keyBytes;
    staged.push(entry);
  }
  assertNotDry(call);
  // Nothing was stored until here: a malformed entry fails the whole request, as in AWS.
  const nowMs = store.now();
  const entries: PutEntry[] = [];
  const failureOf = call.faults.entryFailures(call.subject);
  const skewOf = call.faults.skews(call.subject);
  const tally = new PutTally();
  let failedCount = 0;
  for (const entry of staged) {
    const shard = stream.route(entry.key, entry.explicitHashKey);
    const bytes = entry.end - entry.start + entry.keyBytes;
    const failure = failureOf?.(shard.id);
    if (failure === 'InternalFailure') {
      failedCount += 1;
      tally.failed += 1;
      entries.push({ errorCode: failure, errorMessage: internalFailureMessage });
    } else if (failure !== undefined || (call.limits && !shard.writeLimit.take(nowMs, bytes))) {
      failedCount += 1;
      tally.throttled(shard);
      entries.push({ errorCode: 'ProvisionedThroughputExceededException', errorMessage: rateExceeded(shard, stream, store) });
    } else {
      const arrivalMs = skewOf === undefined ? nowMs : nowMs + skewOf(shard.id);
      const counter = stream.append(shard, arrivalMs, entry.key, entry.keyBytes, call.scratch, entry.start, entry.end);
      tally.stored(shard, bytes);
      entries.push({ shard, counter });
    }
  }
  const body = codec.encodePut({ failedCount, entries });
  call.metrics.put('PutRecords', stream.name, tally, call.latencyMs());
  return body;
};

export const putRecord: Operation = (call) => {
  const { input, codec, store, scratch } = call;
  const { key, keyBytes, explicitHashKey, start, end } = stage(call, input, 0, 0, undefined);
  const after = textIn(input, 'SequenceNumberForOrdering', { max: 129, pattern: sequencePattern });
  const stream = writableStreamOf(call);
  if (after !== undefined) checkOrdering(after, stream, store);
  assertNotDry(call);
  const shard = stream.route(key, explicitHashKey);
  const nowMs = store.now();
  if (call.limits && !shard.writeLimit.take(nowMs, end - start + keyBytes)) {
    throw new ApiError('ProvisionedThroughputExceededException', rateExceeded(shard, stream, store));
  }
  const arrivalMs = nowMs + (call.faults.skews(call.subject)?.(shard.id) ?? 0);
  const counter = stream.append(shard, arrivalMs, key, keyBytes, scratch, start, end);
  const tally = new PutTally();
  tally.stored(shard, end - start + keyBytes);
  call.metrics.put('PutRecord', stream.name, tally, call.latencyMs());
  return codec.encode({ ShardId: shard.id, SequenceNumber: sequenceText(shard.sequenceBase, counter), EncryptionType: 'NONE' });
};

/** Records are put in the order of the calls anyway; AWS refuses a number that the stream has not given. */
function checkOrdering(after: string, stream: Stream, { accountId }: Store): void {
  const sequence = stream.decodeSequence(after);
  if (sequence !== undefined && sequence.counter < stream.nextCounter) return;
  throw invalidArgument(
    `ExclusiveMinimumSequenceNumber ${after} used in PutRecord on stream ${stream.name} under account ${accountId} is invalid.`,
  );
}

/** A stream takes records once it has been created, and to its very end (DeleteStream, API reference). */
function writableStreamOf(call: Call): Stream {
  const stream = streamOf(call);
  return stream.status === 'CREATING' ? streamMissing(stream.name, call.store) : stream;
}

/** Checks one record and lays its data into the scratch buffer at `at`; `total` bytes of the request came before it. */
function stage({ codec, scratch }: Call, record: Input, at: number, total: number, index: number | undefined): Staged {
  const { Data: data, PartitionKey: key, ExplicitHashKey: hashKey } = record;
  if (data == null) throw constraintBroken(pathOf('data', index), undefined, 'not be null');
  if (key == null) throw constraintBroken(pathOf('partitionKey', index), undefined, 'not be null');
  if (typeof key !== 'string') throw malformed('PartitionKey must be a string');
  if (key.length < 1) throw constraintBroken(pathOf('partitionKey', index), key, 'have length greater than or equal to 1');
  if (key.length > maxKeyLength)
    throw constraintBroken(pathOf('partitionKey', index), key, `have length less than or equal to ${maxKeyLength}`);
  const explicitHashKey = hashKey == null ? undefined : hashKeyOf(hashKey, index);
  const keyBytes = Buffer.byteLength(key);
  const end = at + codec.blobLength(data);
  if (end - at + keyBytes > maxRecordBytes) {
    throw constraintBroken(
      pathOf('data', index),
      `[${end - at} bytes]`,
      `have length less than or equal to ${maxRecordBytes}, its key included`,
    );
  }
  if (total + end - at + keyBytes > maxRequestBytes) {
    throw constraintBroken('records', `[${total + end - at + keyBytes} bytes]`, `have size less than or equal to ${maxRequestBytes}`);
  }
  codec.writeBlob(data, scratch, at);
  return { key, keyBytes, explicitHashKey, start: at, end };
}

/** A member as validation errors name it; `index` is that of its entry in PutRecords. */
function pathOf(member: string, index: number | undefined): string {
  return index === undefined ? member : `records.${index + 1}.member.${member}`;
}

function hashKeyOf(value: unknown, index: number | undefined): bigint {
  if (typeof value !== 'string') throw malformed('ExplicitHashKey must be a string');
  if (!hashKeyPattern.test(value))
    throw constraintBroken(pathOf('explicitHashKey', index), value, `satisfy regular expression pattern: ${patternText(hashKeyPattern)}`);
  const key = BigInt(value);
  if (key < hashKeys) return key;
  throw new ApiError(
    'InvalidArgumentException',
    `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${value}`,
  );
}
