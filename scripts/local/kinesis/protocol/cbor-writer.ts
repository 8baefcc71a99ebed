import { Timestamp } from './timestamp.ts';

const firstCapacity = 1_024;
const headBytes = 9;
const timestampTag = 0xc1;
const major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5 } as const;

/** Writes CBOR into one growing buffer. Whole numbers become integers, since AWS's Java SDK reads timestamps as such. */
export class CborWriter {
  #buffer: Buffer;
  #length = 0;

  /** `capacity` spares copies when the size is about known. */
  constructor(capacity: number = firstCapacity) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  map(size: number): void {
    this.#head(major.map, size);
  }

  array(size: number): void {
    this.#head(major.array, size);
  }

  text(text: string): void {
    const length = Buffer.byteLength(text);
    this.#head(major.text, length);
    this.#reserve(length);
    this.#length += this.#buffer.write(text, this.#length, length, 'utf8');
  }

  /** Text that is UTF-8 already: source[start, end). */
  textFrom(source: Buffer, start: number, end: number): void {
    this.#head(major.text, end - start);
    this.raw(source, start, end);
  }

  bytesFrom(source: Buffer, start: number, end: number): void {
    this.#head(major.bytes, end - start);
    this.raw(source, start, end);
  }

  /** Bytes that are CBOR already. */
  raw(source: Buffer, start = 0, end: number = source.length): void {
    this.#reserve(end - start);
    this.#length += source.copy(this.#buffer, this.#length, start, end);
  }

  number(value: number): void {
    if (Number.isSafeInteger(value)) {
      if (value >= 0) this.#head(major.unsigned, value);
      else this.#head(major.negative, -1 - value);
      return;
    }
    this.#byte(0xfb);
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleBE(value, this.#length);
  }

  timestamp(epochMs: number): void {
    this.#byte(timestampTag);
    this.number(Math.round(epochMs));
  }

  /** Any answer: structures without their undefined members, lists, texts, numbers, booleans, Timestamps. */
  value(value: unknown): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'boolean') this.#byte(value ? 0xf5 : 0xf4);
    else if (value instanceof Timestamp) this.timestamp(value.epochMs);
    else if (Array.isArray(value)) {
      this.array(value.length);
      for (const item of value) this.value(item);
    } else if (typeof value === 'object' && value !== null) {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      this.map(members.length);
      for (const [name, member] of members) {
        this.text(name);
        this.value(member);
      }
    } else this.#byte(0xf6);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = byte;
  }

  #head(kind: number, argument: number): void {
    this.#reserve(headBytes);
    const buffer = this.#buffer;
    const at = this.#length;
    const top = kind << 5;
    if (argument < 24) {
      buffer[at] = top | argument;
      this.#length = at + 1;
    } else if (argument < 0x100) {
      buffer[at] = top | 24;
      buffer[at + 1] = argument;
      this.#length = at + 2;
    } else if (argument < 0x1_0000) {
      buffer[at] = top | 25;
      this.#length = buffer.writeUInt16BE(argument, at + 1);
    } else if (argument < 0x1_0000_0000) {
      buffer[at] = top | 26;
      this.#length = buffer.writeUInt32BE(argument, at + 1);
    } else {
      buffer[at] = top | 27;
      this.#length = buffer.writeBigUInt64BE(BigInt(argument), at + 1);
    }
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
