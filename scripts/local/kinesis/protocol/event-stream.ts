import { crc32 } from 'node:zlib';
import type { Codec } from './codec.ts';
import type { ApiError } from './errors.ts';

/**
 * Messages of application/vnd.amazon.eventstream (Smithy specification, "Amazon Event Stream"):
 *
 *   u32 length of all · u32 length of headers · CRC32 of these 8 bytes · headers · payload · CRC32 of all before
 *
 * A header is u8 length of its name · name · u8 type (7: text) · u16 length of its value · value.
 */
export const eventStreamType = 'application/vnd.amazon.eventstream';

const preludeBytes = 12;
const crcBytes = 4;
const textType = 7;

export function encodeMessage(headers: Buffer, payload: Buffer): Buffer {
  const length = preludeBytes + headers.length + payload.length + crcBytes;
  const message = Buffer.allocUnsafe(length);
  message.writeUInt32BE(length, 0);
  message.writeUInt32BE(headers.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  headers.copy(message, preludeBytes);
  payload.copy(message, preludeBytes + headers.length);
  message.writeUInt32BE(crc32(message.subarray(0, length - crcBytes)), length - crcBytes);
  return message;
}

export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    const nameBytes = Buffer.from(name);
    const valueBytes = Buffer.from(value);
    const head = Buffer.from([nameBytes.length, ...nameBytes, textType, valueBytes.length >> 8, valueBytes.length & 0xff]);
    parts.push(head, valueBytes);
  }
  return Buffer.concat(parts);
}

/** The headers of an event, the same for each of its kind. */
export const eventHeaders = (eventType: string, { contentType }: Codec): Buffer =>
  encodeHeaders({ ':message-type': 'event', ':event-type': eventType, ':content-type': contentType });

/** An error inside a stream that began with status 200. */
export function exceptionMessage({ code, message }: ApiError, codec: Codec): Buffer {
  const headers = encodeHeaders({ ':message-type': 'exception', ':exception-type': code, ':content-type': codec.contentType });
  return encodeMessage(headers, codec.encode({ message }));
}
