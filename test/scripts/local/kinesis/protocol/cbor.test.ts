import assert from 'node:assert/strict';
import { Decoder, encode } from 'cbor-x';
import fc from 'fast-check';
import { decodeCbor } from '../../../../../scripts/local/kinesis/protocol/cbor-reader.ts';
import { CborWriter } from '../../../../../scripts/local/kinesis/protocol/cbor-writer.ts';
import { ApiError } from '../../../../../scripts/local/kinesis/protocol/errors.ts';
import { Timestamp } from '../../../../../scripts/local/kinesis/protocol/timestamp.ts';

const decoder = new Decoder({ mapsAsObjects: true, useRecords: false, int64AsNumber: true } as object);
const name = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text !== '__proto__');
/** What requests and answers consist of; -0 and the like are not. */
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Object.is(n, -0)),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(name, tie('value'), { maxKeys: 8, noNullPrototype: true }),
  ),
}));
const write = (written: unknown): Buffer => {
  const writer = new CborWriter(1);
  writer.value(written);
  return writer.finish();
};

describe('CBOR of the local Kinesis', () => {
  it('writes what an independent decoder reads', () => {
    fc.assert(fc.property(value, (any) => assert.deepEqual(decoder.decode(write(any)), any)));
  });

  it('reads what an independent encoder writes', () => {
    fc.assert(fc.property(value, (any) => assert.deepEqual(decodeCbor(Buffer.from(encode(any))), any)));
  });

  it('reads what it wrote', () => {
    fc.assert(fc.property(value, (any) => assert.deepEqual(decodeCbor(write(any)), any)));
  });

  for (const length of [0, 23, 24, 255, 256, 65_535, 65_536]) {
    it(`carries a text of ${length} characters and a list of as many`, () => {
      for (const given of ['x'.repeat(length), Array<number>(length).fill(7)]) {
        assert.deepEqual(decoder.decode(write(given)), given);
        assert.deepEqual(decodeCbor(Buffer.from(encode(given))), given);
      }
    });
  }

  // Examples of RFC 8949, appendix A; Jackson writes maps of unknown size so.
  for (const [hex, expected] of [
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['5f42010243030405ff', Buffer.from([1, 2, 3, 4, 5])],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3903e7', -1_000],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f6', null],
    ['f7', null],
    ['c11b000001a013accc38', new Timestamp(1_787_036_486_712)],
    ['d9d9f7f5', true],
  ] as const) {
    it(`reads ${hex}`, () => assert.deepEqual(decodeCbor(Buffer.from(hex, 'hex')), expected));
  }

  it('leaves undefined members out', () => {
    assert.deepEqual(decodeCbor(write({ a: undefined, b: 1 })), { b: 1 });
  });

  it('reads any bytes or says that they are malformed, without taking memory they do not fill', () => {
    const refused = (bytes: Uint8Array) => {
      try {
        decodeCbor(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof ApiError && error.code === 'SerializationException', String(error));
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), refused), { numRuns: 2_000 });
    fc.assert(
      fc.property(value, fc.nat(), (any, cut) => {
        const whole = Buffer.from(encode(any));
        refused(whole.subarray(0, cut % whole.length));
      }),
    );
  });
});
