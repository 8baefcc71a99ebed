/**
 * Just enough of the protobuf wire format for KPL's aggregate, as strict and as lenient as Java's parser is:
 * unknown fields are skipped, anything malformed throws `MalformedProtobuf`.
 */
export class MalformedProtobuf extends Error {
  override readonly name = 'MalformedProtobuf';
}

export const wireVarint = 0;
const wireFixed64 = 1;
export const wireBytes = 2;
const wireStartGroup = 3;
const wireEndGroup = 4;
const wireFixed32 = 5;

const maxVarintBytes = 10;
/** Java's default recursion limit (CodedInputStream). */
const maxDepth = 100;

export interface Field {
  readonly number: number;
  readonly wire: number;
}

/** Reads one message: `next()` gives each field, then exactly one of varint(), bytes() or skip() must follow. */
export class ProtobufReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  next(): Field | undefined {
    if (this.#at >= this.#data.length) return undefined;
    const tag = this.varint();
    const field = { number: tag >>> 3, wire: tag & 7 };
    if (field.number === 0) throw new MalformedProtobuf('field number 0');
    return field;
  }

  /** The low 32 bits, signed: what Java keeps of a tag, a length, and of an index that it casts to int. */
  varint(): number {
    let value = 0;
    for (let i = 0; i < maxVarintBytes; i++) {
      const byte = this.#data[this.#at++];
      if (byte === undefined) throw new MalformedProtobuf('truncated number');
      if (i < 5) value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value;
    }
    throw new MalformedProtobuf('number of more than 10 bytes');
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const length = this.varint();
    if (length < 0) throw new MalformedProtobuf('negative length');
    return this.#take(length);
  }

  skip(field: Field, depth = 0): void {
    if (field.wire === wireVarint) this.varint();
    else if (field.wire === wireFixed64) this.#take(8);
    else if (field.wire === wireBytes) this.bytes();
    else if (field.wire === wireFixed32) this.#take(4);
    else if (field.wire === wireStartGroup) this.#skipGroup(field.number, depth + 1);
    else throw new MalformedProtobuf(`wire type ${field.wire}`);
  }

  #skipGroup(number: number, depth: number): void {
    if (depth > maxDepth) throw new MalformedProtobuf('too many nested groups');
    for (let field = this.next(); field !== undefined; field = this.next()) {
      if (field.wire !== wireEndGroup) this.skip(field, depth);
      else if (field.number === number) return;
      else throw new MalformedProtobuf('group ends with another number');
    }
    throw new MalformedProtobuf('group without end');
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#data.length) throw new MalformedProtobuf('truncated field');
    const part = this.#data.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** `value`: a non-negative safe integer. */
export function encodeVarint(value: number): Buffer {
  const out = Buffer.allocUnsafe(varintSize(value));
  let rest = value;
  for (let i = 0; i < out.length; i++) {
    out[i] = (rest % 0x80) | (i === out.length - 1 ? 0 : 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return out;
}

/** Tag and value of a number field. */
export const varintField = (number: number, value: number): Buffer[] => [encodeVarint(number * 8 + wireVarint), encodeVarint(value)];
/** Tag, length and content of a bytes, text or message field. */
export const bytesField = (number: number, content: Buffer): Buffer[] => [
  encodeVarint(number * 8 + wireBytes),
  encodeVarint(content.length),
  content,
];
