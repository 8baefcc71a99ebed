import { corrupt } from './snapshot-error.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes out what ByteWriter put in, in the same order. Throws SNAPSHOT_CORRUPT where the bytes cannot have been written so. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#advance(1)] as number;
  }

  /** Signed. */
  word(): number {
    return this.#bytes.readInt32LE(this.#advance(4));
  }

  uint(): number {
    return this.#varint(0, 1);
  }

  int(): number {
    const first = this.byte();
    const low = (first & 0x7f) >>> 1;
    const magnitude = first < 0x80 ? low : this.#varint(low, 64);
    return (first & 1) === 0 || magnitude === 0 ? magnitude : -magnitude;
  }

  float64(): number {
    return this.#bytes.readDoubleLE(this.#advance(8));
  }

  text(): string {
    const header = this.uint();
    const bytes = this.raw(Math.floor(header / 2));
    if (header % 2 === 1) return bytes.toString('utf16le');
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw corrupt('a text is not UTF-8', cause);
    }
  }

  /** A view, valid as long as the frame. */
  bytes(): Buffer {
    return this.raw(this.uint());
  }

  /** A view of the next `length` bytes. */
  raw(length: number): Buffer {
    const from = this.#advance(length);
    return this.#bytes.subarray(from, from + length);
  }

  #varint(start: number, unit: number): number {
    let value = start;
    for (let scale = unit; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw corrupt('an integer is beyond 2^53');
      if (byte < 0x80) {
        if (byte === 0 && (scale > unit || unit > 1)) throw corrupt('an integer is longer than it needs to be');
        return value;
      }
    }
  }

  #advance(bytes: number): number {
    const from = this.#at;
    if (bytes > this.#bytes.length - from) throw corrupt('a frame ends within a value');
    this.#at = from + bytes;
    return from;
  }
}
