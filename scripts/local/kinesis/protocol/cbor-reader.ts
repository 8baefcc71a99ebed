import { malformed } from './errors.ts';
import { Timestamp } from './timestamp.ts';

/**
 * Reads the CBOR that AWS SDKs send (RFC 8949 without the tags they do not use). Own code, since a general decoder allocates
 * what a header claims before it reads on, so that a few hostile bytes can exhaust memory.
 */
const maxDepth = 16;
const breakByte = 0xff;
const indefinite = 31;
const timestampTag = 1;

export function decodeCbor(body: Buffer): unknown {
  const reader = new Reader(body);
  const value = reader.value(0);
  if (reader.position !== body.length) throw malformed('bytes follow the CBOR value');
  return value;
}

class Reader {
  readonly #body: Buffer;
  position = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  value(depth: number): unknown {
    if (depth > maxDepth) throw malformed('CBOR is nested too deep');
    const initial = this.#byte();
    const major = initial >> 5;
    const info = initial & 31;
    switch (major) {
      case 0:
        return this.#argument(info);
      case 1:
        return -1 - this.#argument(info);
      case 2:
        return this.#bytes(major, info);
      case 3:
        return this.#bytes(major, info).toString('utf8');
      case 4:
        return this.#array(info, depth);
      case 5:
        return this.#map(info, depth);
      case 6:
        return this.#tagged(info, depth);
      default:
        return this.#simple(info);
    }
  }

  #byte(): number {
    const byte = this.#body[this.position++];
    if (byte === undefined) throw malformed('CBOR ends early');
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.position + length;
    if (end > this.#body.length) throw malformed('CBOR ends early');
    const part = this.#body.subarray(this.position, end);
    this.position = end;
    return part;
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info === 24) return this.#byte();
    if (info === 25) return this.#take(2).readUInt16BE();
    if (info === 26) return this.#take(4).readUInt32BE();
    if (info === 27) return Number(this.#take(8).readBigUInt64BE());
    throw malformed('CBOR carries a reserved length');
  }

  /** How many bytes or items follow; undefined: until a break. Only a claim: nothing is taken in advance for it. */
  #length(info: number): number | undefined {
    return info === indefinite ? undefined : this.#argument(info);
  }

  #atBreak(): boolean {
    if (this.#body[this.position] !== breakByte) return false;
    this.position += 1;
    return true;
  }

  #bytes(major: number, info: number): Buffer {
    const length = this.#length(info);
    if (length !== undefined) return this.#take(length);
    const chunks: Buffer[] = [];
    while (!this.#atBreak()) {
      const initial = this.#byte();
      const chunk = initial >> 5 === major ? this.#length(initial & 31) : undefined;
      if (chunk === undefined) throw malformed('CBOR mixes chunks');
      chunks.push(this.#take(chunk));
    }
    return Buffer.concat(chunks);
  }

  #array(info: number, depth: number): unknown[] {
    const length = this.#length(info);
    const items: unknown[] = [];
    while (length === undefined ? !this.#atBreak() : items.length < length) items.push(this.value(depth + 1));
    return items;
  }

  #map(info: number, depth: number): Record<string, unknown> {
    const length = this.#length(info);
    const members: [string, unknown][] = [];
    while (length === undefined ? !this.#atBreak() : members.length < length) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw malformed('CBOR has a key that is no text');
      members.push([key, this.value(depth + 1)]);
    }
    return Object.fromEntries(members);
  }

  #tagged(info: number, depth: number): unknown {
    const tag = this.#argument(info);
    const value = this.value(depth + 1);
    if (tag !== timestampTag) return value;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw malformed('CBOR has a timestamp that is no number');
    return new Timestamp(value);
  }

  #simple(info: number): boolean | number | null {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22 || info === 23) return null;
    if (info === 26) return this.#take(4).readFloatBE();
    if (info === 27) return this.#take(8).readDoubleBE();
    throw malformed('CBOR has an unknown simple value');
  }
}
