import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

/** One message of application/vnd.amazon.eventstream (Smithy, Amazon Event Stream specification). */
export interface EventFrame {
  /** String headers by name, such as `:event-type`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

const preludeBytes = 12;
const trailerBytes = 4;
const stringHeader = 7;

/** Cuts an answer's body into messages, and asserts lengths and both checksums of each. */
export async function* framesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<EventFrame> {
  let pending = Buffer.alloc(0);
  for await (const chunk of body) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= preludeBytes && pending.length >= pending.readUInt32BE(0)) {
      const length = pending.readUInt32BE(0);
      yield frameOf(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  }
  assert.equal(pending.length, 0, 'the body ends within a message');
}

function frameOf(message: Buffer): EventFrame {
  const headersLength = message.readUInt32BE(4);
  assert.equal(message.readUInt32BE(8), crc32(message.subarray(0, 8)), 'checksum of the prelude');
  const end = message.length - trailerBytes;
  assert.equal(message.readUInt32BE(end), crc32(message.subarray(0, end)), 'checksum of the message');
  const payloadAt = preludeBytes + headersLength;
  return { headers: headersOf(message.subarray(preludeBytes, payloadAt)), payload: message.subarray(payloadAt, end) };
}

function headersOf(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + bytes.readUInt8(at);
    const name = bytes.toString('utf8', at + 1, nameEnd);
    assert.equal(bytes.readUInt8(nameEnd), stringHeader, `the header ${name} is no string`);
    const valueAt = nameEnd + 3;
    const valueEnd = valueAt + bytes.readUInt16BE(nameEnd + 1);
    headers[name] = bytes.toString('utf8', valueAt, valueEnd);
    at = valueEnd;
  }
  return headers;
}
