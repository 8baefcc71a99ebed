import assert from 'node:assert/strict';
import fc from 'fast-check';
import { jsonCodec } from '../../../../../scripts/local/kinesis/protocol/json-codec.ts';
import { readPutRecords } from '../../../../../scripts/local/kinesis/protocol/put-reader.ts';

const text = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019 _-./:+={}[],é"\\\u0001')), maxLength: 12 });
const plainText = fc.string({ unit: fc.constantFrom(...Array.from('abcXYZ019 _-./:+={}[],')), maxLength: 12 });
const records = (any: fc.Arbitrary<string>) =>
  fc.array(
    fc.record(
      { Data: fc.base64String({ maxLength: 40 }), PartitionKey: any, ExplicitHashKey: any },
      { requiredKeys: ['Data'], noNullPrototype: true },
    ),
    { maxLength: 5 },
  );
const request = (any: fc.Arbitrary<string>) =>
  fc.record({ Records: records(any), StreamName: any, StreamARN: any }, { requiredKeys: [], noNullPrototype: true });

describe('the reader of PutRecords bodies', () => {
  it('reads the compact form of SDKs', () => {
    const input = {
      Records: [
        { Data: 'YWJj', PartitionKey: 'a {key}' },
        { Data: '', PartitionKey: 'b', ExplicitHashKey: '7' },
      ],
      StreamName: 's',
    };
    assert.deepEqual(readPutRecords(Buffer.from(JSON.stringify(input))), input);
  });

  it('answers what JSON.parse does, or leaves the body to it', () => {
    fc.assert(
      fc.property(request(text), (input) => {
        const read = readPutRecords(Buffer.from(JSON.stringify(input)));
        if (read !== undefined) assert.deepEqual(read, input);
      }),
    );
  });

  it('leaves nothing plain to JSON.parse', () => {
    fc.assert(
      fc.property(request(plainText), (input) => {
        fc.pre(Object.keys(input).length > 0 && input.Records?.length !== 0);
        assert.deepEqual(readPutRecords(Buffer.from(JSON.stringify(input))), input);
      }),
    );
  });

  it('reads no body that JSON.parse refuses: cut, with a byte too much, or with one changed', () => {
    const damage = fc.oneof(
      fc.nat().map((at) => (body: string) => body.slice(0, at % body.length)),
      fc.constantFrom(' ', '}', ',', '"').map((tail) => (body: string) => body + tail),
      fc.tuple(fc.nat(), fc.constantFrom(...Array.from('{}[],:"x'))).map(([at, unit]) => (body: string) => {
        const place = at % body.length;
        return body.slice(0, place) + unit + body.slice(place + 1);
      }),
    );
    fc.assert(
      fc.property(request(plainText), damage, (input, damaged) => {
        const body = Buffer.from(damaged(JSON.stringify(input)));
        const read = readPutRecords(body);
        if (read !== undefined) assert.deepEqual(read, JSON.parse(body.toString()));
      }),
      { numRuns: 1_000 },
    );
  });

  it('and the codec agree on spaced and escaped bodies', () => {
    const body = '{ "StreamName": "s", "Records": [ {"Data": "YQ==", "PartitionKey": "\\u00e9"} ] }';
    assert.equal(readPutRecords(Buffer.from(body)), undefined);
    assert.deepEqual(jsonCodec.decode(Buffer.from(body)), { StreamName: 's', Records: [{ Data: 'YQ==', PartitionKey: 'é' }] });
  });
});
