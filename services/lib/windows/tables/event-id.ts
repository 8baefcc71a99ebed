import { finishHash } from './hash.ts';

const idDigits = 32;
const notHex = 0xff;
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

  hash(salt: number): number {
    // Ids are cut from a digest already: the words need only be told apart from each other.
    return finishHash(salt ^ this.a ^ Math.imul(this.b, 0x9e3779b1) ^ Math.imul(this.c, 0x85ebca77) ^ Math.imul(this.d, 0xc2b2ae3d));
  }

  #word(text: string, from: number): number {
    let word = 0;
    let seen = this.#seen;
    for (let i = from; i < from + 8; i++) {
      const code = text.charCodeAt(i);
      const value = code < 128 ? (hexValues[code] as number) : notHex;
      seen |= value;
      word = (word << 4) | value;
    }
    this.#seen = seen;
    return word;
  }
}

export const textOfId = (a: number, b: number, c: number, d: number): string => hex(a) + hex(b) + hex(c) + hex(d);

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0');
