import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { hashKeyOf } from '../../../../services/lib/kcl/shards.ts';
import {
  aggregate,
  aggregatedSize,
  aggregateOverhead,
  deaggregate,
  effectiveHashKey,
  type UserRecord,
} from '../../../../services/lib/producer/aggregation.ts';

const wholeRange = { start: 0n, end: 2n ** 128n - 1n };
const magicHex = 'f3899ac2';

/** An aggregate around any protobuf bytes, its MD5 right. */
function sealed(protobufHex: string): Buffer {
  const message = Buffer.from(protobufHex.replaceAll(' ', ''), 'hex');
  return Buffer.concat([Buffer.from(magicHex, 'hex'), message, createHash('md5').update(message).digest()]);
}

const userRecord: fc.Arbitrary<UserRecord> = fc
  .record({
    partitionKey: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    explicitHashKey: fc.option(fc.bigInt(0n, wholeRange.end).map(String), { nil: undefined }),
    data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  })
  .map(({ explicitHashKey, ...rest }) => (explicitHashKey === undefined ? rest : { ...rest, explicitHashKey }));

const asPlain = (data: Buffer) => ({ kind: 'plain', records: [{ partitionKey: 'outer', data }] });

describe('aggregation', () => {
  it('gives back what was put together, in order', () => {
    fc.assert(
      fc.property(fc.array(userRecord, { minLength: 1, maxLength: 40 }), (records) => {
        assert.deepEqual(deaggregate(aggregate(records), 'outer', wholeRange), { kind: 'aggregate', records });
      }),
    );
  });

  it('never grows beyond the sizes its records announce', () => {
    fc.assert(
      fc.property(fc.array(userRecord, { minLength: 1, maxLength: 200 }), (records) => {
        const announced = records.reduce((sum, record) => sum + aggregatedSize(record), aggregateOverhead);
        assert.ok(aggregate(records).length <= announced);
      }),
    );
  });

  it('writes the bytes of the published format', () => {
    const encoded = aggregate([
      { partitionKey: 'a', data: Buffer.from('x') },
      { partitionKey: 'b', explicitHashKey: '7', data: Buffer.from('yz') },
      { partitionKey: 'a', data: Buffer.alloc(0) },
    ]);
    const expected = sealed('0a0161 0a0162 120137 1a05 0800 1a0178 1a08 0801 1000 1a02797a 1a04 0800 1a00');
    assert.equal(encoded.toString('hex'), expected.toString('hex'));
  });

  it('takes anything that is no aggregate as one plain record', () => {
    const good = aggregate([{ partitionKey: 'a', data: Buffer.from('x') }]);
    const wrongMd5 = Buffer.from(good);
    wrongMd5[wrongMd5.length - 1]! ^= 1;
    const plain: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'shorter than the magic': Buffer.from('f389', 'hex'),
      'magic and digest without a message': sealed(''),
      'another magic': Buffer.concat([Buffer.from([0xf4]), good.subarray(1)]),
      'wrong MD5': wrongMd5,
      'truncated field': sealed('0a0561'),
      'field number 0': sealed('00 01'),
      'wire type 7': sealed('0f'),
      'end of a group that never began': sealed('0c'),
      'a record without data': sealed('0a0161 1a02 0800'),
      'a record without key index': sealed('0a0161 1a03 1a0178'),
      'a tag without key': sealed('0a0161 1a09 0800 1a0178 2202 1200'),
      'a number of 11 bytes': sealed('0a0161 1a10 08 8080808080808080808001 1a0178'),
      'a negative length': sealed('0a ffffffff0f 61'),
    };
    for (const [why, data] of Object.entries(plain)) assert.deepEqual(deaggregate(data, 'outer', wholeRange), asPlain(data), why);
  });

  it('skips fields it does not know, tags included', () => {
    const data = sealed('0a0161 2801 31 0102030405060708 3b 0801 3c 3d 01020304 1a0b 0800 1a0178 2204 0a026b6b');
    assert.deepEqual(deaggregate(data, 'outer', wholeRange), {
      kind: 'aggregate',
      records: [{ partitionKey: 'a', data: Buffer.from('x') }],
    });
  });

  it('delivers the records before one whose key index or hash key means nothing, as KCL does', () => {
    const first = '0a0161 1a05 0800 1a0178';
    const before = { kind: 'aggregate', records: [{ partitionKey: 'a', data: Buffer.from('x') }] };
    assert.deepEqual(deaggregate(sealed(`${first} 1a05 0801 1a0179`), 'outer', wholeRange), before);
    assert.deepEqual(deaggregate(sealed(`${first} 1a07 0800 1000 1a0179`), 'outer', wholeRange), before);
    assert.deepEqual(deaggregate(sealed(`${first} 120171 1a07 0800 1000 1a0179`), 'outer', wholeRange), before);
  });

  it('casts an index to 32 bits, as KCL does', () => {
    const data = sealed('0a0161 1a09 08 8080808010 1a0178');
    assert.deepEqual(deaggregate(data, 'outer', wholeRange).kind, 'aggregate');
  });

  it('drops the whole aggregate when one record lies outside the range, both ends inclusive', () => {
    const records = ['a', 'b', 'c', 'd'].map((partitionKey) => ({ partitionKey, data: Buffer.from(partitionKey) }));
    const hashes = records.map(effectiveHashKey).sort((a, b) => (a < b ? -1 : 1));
    const [start, end] = [hashes[0]!, hashes[3]!];
    const encoded = aggregate(records);
    assert.equal(deaggregate(encoded, 'outer', { start, end }).kind, 'aggregate');
    assert.deepEqual(deaggregate(encoded, 'outer', { start: start + 1n, end }), { kind: 'stray', count: 4 });
    assert.deepEqual(deaggregate(encoded, 'outer', { start, end: end - 1n }), { kind: 'stray', count: 4 });
  });

  it('places a record by its explicit hash key before its partition key', () => {
    const encoded = aggregate([{ partitionKey: 'a', explicitHashKey: '5', data: Buffer.from('x') }]);
    assert.equal(deaggregate(encoded, 'outer', { start: 5n, end: 5n }).kind, 'aggregate');
    assert.equal(deaggregate(encoded, 'outer', { start: hashKeyOf('a'), end: hashKeyOf('a') }).kind, 'stray');
  });

  it('does not range-check a plain record', () => {
    assert.equal(deaggregate(Buffer.from('plain'), 'outer', { start: 1n, end: 0n }).kind, 'plain');
  });

  it('takes any bytes without throwing', () => {
    const mutated = fc.tuple(
      fc.array(userRecord, { minLength: 1, maxLength: 5 }),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    );
    fc.assert(
      fc.property(mutated, ([records, changes]) => {
        const message = aggregate(records).subarray(4, -16);
        for (const [at, value] of changes) message[at % message.length] = value;
        assert.ok(['plain', 'aggregate', 'stray'].includes(deaggregate(sealed(message.toString('hex')), 'outer', wholeRange).kind));
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        deaggregate(sealed(Buffer.from(bytes).toString('hex')), 'outer', wholeRange);
      }),
      { numRuns: 500 },
    );
  });
});
