import { sequenceText } from '../store/sequence.ts';
import { headerBytes } from '../store/slab.ts';
import { decodeCbor } from './cbor-reader.ts';
import { CborWriter } from './cbor-writer.ts';
import type { Codec } from './codec.ts';
import { malformed } from './errors.ts';
import { isStructure } from './input.ts';

/** What the names, lengths and the sequence number of one record take, with room to spare. */
const recordOverhead = 200;
const fixedOverhead = 2_048;

const constant = (value: string): Buffer => {
  const writer = new CborWriter();
  writer.text(value);
  return writer.finish();
};
const names = {
  sequenceNumber: constant('SequenceNumber'),
  shardId: constant('ShardId'),
  errorCode: constant('ErrorCode'),
  errorMessage: constant('ErrorMessage'),
  arrival: constant('ApproximateArrivalTimestamp'),
  data: constant('Data'),
  partitionKey: constant('PartitionKey'),
};

export const cborCodec: Codec = {
  contentType: 'application/x-amz-cbor-1.1',

  decode(body) {
    const value = body.length === 0 ? {} : decodeCbor(body);
    if (!isStructure(value)) throw malformed('the body is not a structure');
    return value;
  },

  encode(output) {
    const writer = new CborWriter();
    writer.value(output);
    return writer.finish();
  },

  blobLength(blob) {
    if (!Buffer.isBuffer(blob)) throw malformed('a blob is not a byte string');
    return blob.length;
  },

  writeBlob(blob, target, at) {
    (blob as Buffer).copy(target, at);
  },

  encodePut({ failedCount, entries }) {
    const writer = new CborWriter(fixedOverhead + entries.length * recordOverhead);
    writer.map(2);
    writer.text('FailedRecordCount');
    writer.number(failedCount);
    writer.text('Records');
    writer.array(entries.length);
    for (const entry of entries) {
      const success = 'shard' in entry;
      writer.map(2);
      writer.raw(success ? names.sequenceNumber : names.errorCode);
      writer.text(success ? sequenceText(entry.shard.sequenceBase, entry.counter) : entry.errorCode);
      writer.raw(success ? names.shardId : names.errorMessage);
      writer.text(success ? entry.shard.id : entry.errorMessage);
    }
    return writer.finish();
  },

  encodeRead({ shard, batch, rest }) {
    const writer = new CborWriter(fixedOverhead + batch.bytes + batch.count * recordOverhead);
    const others = Object.entries(rest).filter(([, member]) => member !== undefined);
    writer.map(1 + others.length);
    writer.text('Records');
    writer.array(batch.count);
    for (const { slab, from, to } of batch.pieces) {
      for (let i = from; i < to; i++) {
        const offset = slab.offsetOf(i);
        const keyAt = offset + headerBytes;
        const dataAt = keyAt + slab.keyLengthAt(offset);
        writer.map(4);
        writer.raw(names.sequenceNumber);
        writer.text(sequenceText(shard.sequenceBase, slab.counterAt(offset)));
        writer.raw(names.arrival);
        writer.timestamp(slab.arrivalAt(offset));
        writer.raw(names.data);
        writer.bytesFrom(slab.bytes, dataAt, dataAt + slab.dataLengthAt(offset));
        writer.raw(names.partitionKey);
        writer.textFrom(slab.bytes, keyAt, dataAt);
      }
    }
    for (const [name, member] of others) {
      writer.text(name);
      writer.value(member);
    }
    return writer.finish();
  },
};
