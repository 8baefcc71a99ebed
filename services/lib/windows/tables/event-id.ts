import { hashOfFour } from './hash.ts';

const idDigits = 32;
const notHex = 0xff;
const notAscii = ~0x7f;
const hexValues = new Uint8Array(128).fill(notHex);
for (let value = 0; value < 16; value++) hexValues[value.toString(16).charCodeAt(0)] = value;

/** A 128-bit event id as four words, first digits first. One object is filled again and again, so that no event costs one. */
export class EventId {
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  /** All digit values read, or-ed: beyond 15 when one was none. */
  #seen = 0;

  /** Takes 32 lower-case hex digits; for any other text false, and the id is undefined. */
  parse(text: string): boolean {
    if (text.length !== idDigits) return false;
    this.#seen = 0;
    this.a = this.#word(text, 0);
    this.b = this.#word(text, 8);
    this.c = this.#word(text, 16);
    this.d = this.#word(text, 24);
    return this.#seen < 16;
  }

  set(a: number, b: number, c: number, d: number): this {
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
    return this;
  }

  /** Ids are cut from a digest, but whoever can write to the stream could choose them. */
  hash(): number {
    return hashOfFour(this.a, this.b, this.c, this.d);
  }

  #word(text: string, from: number): number {
    const c0 = text.charCodeAt(from);
    const c1 = text.charCodeAt(from + 1);
    const c2 = text.charCodeAt(from + 2);
    const c3 = text.charCodeAt(from + 3);
    const c4 = text.charCodeAt(from + 4);
    const c5 = text.charCodeAt(from + 5);
    const c6 = text.charCodeAt(from + 6);
    const c7 = text.charCodeAt(from + 7);
    const v0 = valueOf(c0);
    const v1 = valueOf(c1);
    const v2 = valueOf(c2);
    const v3 = valueOf(c3);
    const v4 = valueOf(c4);
    const v5 = valueOf(c5);
    const v6 = valueOf(c6);
    const v7 = valueOf(c7);
    this.#seen |= ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) & notAscii) | v0 | v1 | v2 | v3 | v4 | v5 | v6 | v7;
    return (v0 << 28) | (v1 << 24) | (v2 << 20) | (v3 << 16) | (v4 << 12) | (v5 << 8) | (v6 << 4) | v7;
  }
}

const digits = Buffer.alloc(idDigits / 2);

export function textOfId(a: number, b: number, c: number, d: number): string {
  digits.writeInt32BE(a, 0);
  digits.writeInt32BE(b, 4);
  digits.writeInt32BE(c, 8);
  digits.writeInt32BE(d, 12);
  return digits.toString('hex');
}

const valueOf = (code: number): number => hexValues[code & 0x7f] as number;
