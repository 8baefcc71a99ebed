import assert from 'node:assert/strict';
import { EventStreamCodec } from '@smithy/core/event-streams';
import fc from 'fast-check';
import { cborCodec } from '../../../../../scripts/local/kinesis/protocol/cbor-codec.ts';
import { ApiError } from '../../../../../scripts/local/kinesis/protocol/errors.ts';
import {
  encodeHeaders,
  encodeMessage,
  eventHeaders,
  exceptionMessage,
} from '../../../../../scripts/local/kinesis/protocol/event-stream.ts';
import { jsonCodec } from '../../../../../scripts/local/kinesis/protocol/json-codec.ts';

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

describe('the framing of an event stream', () => {
  it("is what the AWS SDK's own decoder reads, both checksums included", () => {
    // The SDK's decoder puts headers into a plain object, which loses one of this name.
    const headerName = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme-ascii' }).filter((name) => name !== '__proto__');
    fc.assert(
      fc.property(
        fc.dictionary(headerName, fc.string({ unit: 'grapheme' }), { noNullPrototype: true }),
        fc.uint8Array({ maxLength: 3_000 }),
        (headers, payload) => {
          const { headers: found, body } = codec.decode(encodeMessage(encodeHeaders(headers), Buffer.from(payload)));
          assert.deepEqual(Buffer.from(body), Buffer.from(payload));
          assert.deepEqual(found, Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, { type: 'string', value }])));
        },
      ),
    );
  });

  it("is the very bytes of the SDK's own encoder", () => {
    const payload = Buffer.from('{"Records":[]}');
    const ours = encodeMessage(eventHeaders('SubscribeToShardEvent', jsonCodec), payload);
    const theirs = codec.encode({
      headers: {
        ':message-type': { type: 'string', value: 'event' },
        ':event-type': { type: 'string', value: 'SubscribeToShardEvent' },
        ':content-type': { type: 'string', value: 'application/x-amz-json-1.1' },
      },
      body: payload,
    });
    assert.deepEqual(ours, Buffer.from(theirs));
  });

  it('names an error in a header and tells it in the format of the caller', () => {
    const { headers, body } = codec.decode(exceptionMessage(new ApiError('ResourceInUseException', 'taken'), cborCodec));
    assert.equal(headers[':message-type']?.value, 'exception');
    assert.equal(headers[':exception-type']?.value, 'ResourceInUseException');
    assert.equal(headers[':content-type']?.value, 'application/x-amz-cbor-1.1');
    assert.deepEqual(cborCodec.decode(Buffer.from(body)), { message: 'taken' });
  });
});
