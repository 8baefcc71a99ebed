import { isAscii } from 'node:buffer';
import { sequenceText } from '../store/sequence.ts';
import type { Slab } from '../store/slab.ts';
import { headerBytes } from '../store/slab.ts';
import { AsciiWriter } from './ascii-writer.ts';
import type { Codec } from './codec.ts';
import { malformed } from './errors.ts';
import { isStructure } from './input.ts';
import { readPutRecords } from './put-reader.ts';
import type { PutResults, ReadResults } from './results.ts';

/** What the names and numbers of one record take, with room to spare. */
const recordOverhead = 200;
const fixedOverhead = 2_048;

export const jsonCodec: Codec = {
  contentType: 'application/x-amz-json-1.1',

  decode(body) {
    if (body.length === 0) return {};
    const put = isAscii(body) ? readPutRecords(body) : undefined;
    if (put !== undefined) return put;
    let value: unknown;
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch {
      throw malformed('the body is not JSON');
    }
    if (!isStructure(value)) throw malformed('the body is not a structure');
    return value;
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
    const writer = new AsciiWriter(fixedOverhead + Math.ceil((batch.bytes * 4) / 3) + batch.count * recordOverhead);
    let before = '{"Records":[';
    for (const { slab, from, to } of batch.pieces) {
      for (let i = from; i < to; i++) {
        writeRecord(writer, before, slab, slab.offsetOf(i), shard.sequenceBase);
        before = ',';
      }
    }
    writer.write(`${before === ',' ? '' : before}],${escaped(rest).slice(1)}`);
    return writer.finish();
  },
};

function writeRecord(writer: AsciiWriter, before: string, slab: Slab, offset: number, sequenceBase: bigint): void {
  const keyAt = offset + headerBytes;
  const dataAt = keyAt + slab.keyLengthAt(offset);
  const sequence = sequenceText(sequenceBase, slab.counterAt(offset));
  const key = slab.isKeyPlainAt(offset)
    ? `"${slab.bytes.toString('latin1', keyAt, dataAt)}"`
    : escaped(slab.bytes.toString('utf8', keyAt, dataAt));
  writer.write(
    `${before}{"SequenceNumber":"${sequence}","ApproximateArrivalTimestamp":${slab.arrivalAt(offset) / 1_000},"PartitionKey":${key},"Data":"`,
  );
  writer.write(slab.bytes.toString('base64', dataAt, dataAt + slab.dataLengthAt(offset)));
  writer.write('"}');
}

/** JSON in ASCII alone. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const notBase64 = () => malformed('a blob is not base64');
