import { isAscii } from 'node:buffer';
import { sequenceText } from '../store/sequence.ts';
import type { Slab } from '../store/slab.ts';
import { headerBytes } from '../store/slab.ts';
import type { Codec } from './codec.ts';
import { malformed } from './errors.ts';
import { type Input, isStructure } from './input.ts';
import type { PutResults, ReadResults } from './results.ts';

export const jsonCodec: Codec = {
  contentType: 'application/x-amz-json-1.1',

  decode(body) {
    if (body.length === 0) return {};
    let value: unknown;
    try {
      // Bodies of 700 KB are the rule: as Latin-1 they need no transcoding, which ASCII permits.
      value = JSON.parse(isAscii(body) ? body.toString('latin1') : body.toString('utf8'));
    } catch {
      throw malformed('the body is not JSON');
    }
    return structure(value);
  },

  encode: (output) => Buffer.from(JSON.stringify(output)),

  blobLength(blob) {
    if (typeof blob !== 'string' || blob.length % 4 !== 0) throw notBase64();
    return (blob.length / 4) * 3 - (blob.endsWith('==') ? 2 : blob.endsWith('=') ? 1 : 0);
  },

  writeBlob(blob, target, at) {
    const text = blob as string;
    // Node skips what is not base64, so that a shorter result tells of it.
    if (target.write(text, at, 'base64') !== jsonCodec.blobLength(text)) throw notBase64();
  },

  encodePut: ({ failedCount, entries }: PutResults) => {
    let text = `{"FailedRecordCount":${failedCount},"Records":[`;
    let separator = '';
    for (const entry of entries) {
      text +=
        'shard' in entry
          ? `${separator}{"SequenceNumber":"${sequenceText(entry.shard.sequenceBase, entry.counter)}","ShardId":"${entry.shard.id}"}`
          : `${separator}{"ErrorCode":"${entry.errorCode}","ErrorMessage":${JSON.stringify(entry.errorMessage)}}`;
      separator = ',';
    }
    return Buffer.from(`${text}]}`, 'utf8');
  },

  encodeRead: ({ shard, batch, rest }: ReadResults) => {
    let text = '{"Records":[';
    let separator = '';
    for (const { slab, from, to } of batch.pieces) {
      for (let i = from; i < to; i++) {
        text += separator + recordText(slab, slab.offsetOf(i), shard.sequenceBase);
        separator = ',';
      }
    }
    // Latin-1 keeps one byte a character through a body of 13 MB; what is not ASCII was escaped.
    return Buffer.from(`${text}],${escaped(rest).slice(1)}`, 'latin1');
  },
};

function recordText(slab: Slab, offset: number, sequenceBase: bigint): string {
  const keyAt = offset + headerBytes;
  const dataAt = keyAt + slab.keyLengthAt(offset);
  const key = slab.isKeyPlainAt(offset)
    ? `"${slab.bytes.toString('latin1', keyAt, dataAt)}"`
    : escaped(slab.bytes.toString('utf8', keyAt, dataAt));
  return `{"SequenceNumber":"${sequenceText(sequenceBase, slab.counterAt(offset))}","ApproximateArrivalTimestamp":${
    slab.arrivalAt(offset) / 1_000
  },"Data":"${slab.bytes.toString('base64', dataAt, dataAt + slab.dataLengthAt(offset))}","PartitionKey":${key}}`;
}

/** JSON in ASCII alone. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function structure(value: unknown): Input {
  if (!isStructure(value)) throw malformed('the body is not a structure');
  return value;
}

const notBase64 = () => malformed('a blob is not base64');
