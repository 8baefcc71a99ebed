const firstCapacity = 4_096;
/** A varint of a safe integer takes at most 8 bytes: 53 bits, 7 a byte. */
const maxVarint = 8;
/** UTF-8 has no form for half of a surrogate pair; such a text is kept as UTF-16. */
const loneSurrogate = /\p{Surrogate}/u;

/** Values one after the other in a growing buffer; ByteReader takes them out in the same order. Integers and floats are little-endian. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(firstCapacity);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes written since the last call, as a copy; writing starts anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A 32-bit integer, signed or not, in four bytes. */
  word(value: number): void {
    this.#reserve(4);
    const buffer = this.#buffer;
    const at = this.#length;
    buffer[at] = value;
    buffer[at + 1] = value >>> 8;
    buffer[at + 2] = value >>> 16;
    buffer[at + 3] = value >>> 24;
    this.#length = at + 4;
  }

  /** A safe integer from 0 on, 7 bits a byte, lowest first. RangeError for anything else. */
  uint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned safe integer: ${value}`);
    this.#reserve(maxVarint);
    this.#varint(value);
  }

  /** Any safe integer; the first byte holds the sign in its lowest bit. RangeError for anything else. */
  int(value: number): void {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    this.#reserve(maxVarint);
    const magnitude = Math.abs(value);
    const first = (magnitude % 64) * 2 + (value < 0 ? 1 : 0);
    const rest = Math.floor(magnitude / 64);
    this.#buffer[this.#length++] = rest === 0 ? first : first | 0x80;
    if (rest > 0) this.#varint(rest);
  }

  /** Every number, infinities and NaN included. */
  float64(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  /** Any JavaScript string, also one that is not well-formed Unicode. */
  text(value: string): void {
    const encoding = loneSurrogate.test(value) ? 'utf16le' : 'utf8';
    const bytes = Buffer.byteLength(value, encoding);
    this.uint(bytes * 2 + (encoding === 'utf8' ? 0 : 1));
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length, bytes, encoding);
  }

  bytes(value: Uint8Array): void {
    this.uint(value.length);
    this.raw(value);
  }

  /** Without a length: the reader must know how many to take. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
