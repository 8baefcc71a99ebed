import { crc32 } from 'node:zlib';

/**
 * A snapshot is a sequence of frames: {payload length u32, CRC-32 u32, payload}, little-endian. The checksum covers the frame's number,
 * its length and its payload, so that a frame that is damaged, moved or repeated is seen. The payload's first byte says what it is:
 * the first frame is the header, the last the end with the number of content frames between them, so that a missing one is seen.
 */
export const frameHead = 8;
/** Nothing larger is written or read, so a damaged length cannot claim the memory. */
export const maxPayload = 1_048_576;

export const headerFrame = 1;
export const contentFrame = 2;
export const endFrame = 3;
/** Content that goes on in the next frame, since a record is larger than a frame. */
export const partFrame = 4;

/** Not a format version: that is the header's. This one changes only when frames themselves do. */
export const magic = 'tb-snapshot-1';

export function checksumOf(index: number, payload: Uint8Array): number {
  const place = Buffer.allocUnsafe(8);
  place.writeUInt32LE(index % 2 ** 32, 0);
  place.writeUInt32LE(payload.length, 4);
  return crc32(payload, crc32(place));
}
