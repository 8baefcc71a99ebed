import { finishHash, hashSeed, hashWord } from './hash.ts';

const inlineWords = 10;
/** ASCII keys up to this length lie in their table row; a UUID has 36. */
const inlineBytes = inlineWords * 4;

/** A key made ready for look-ups: hashed, and if it is short ASCII, packed four characters to a word. One object is filled again and again. */
export class PackedKey {
  text = '';
  hash = 0;
  /** Words used, or -1 for a key that does not fit a row. */
  wordCount = 0;
  readonly words = new Int32Array(inlineWords);

  pack(text: string): this {
    this.text = text;
    const { length } = text;
    const { words } = this;
    let hash = hashSeed ^ length;
    let codes = 0;
    let at = 0;
    let count = 0;
    if (length <= inlineBytes) {
      for (; at + 4 <= length; at += 4) {
        const c0 = text.charCodeAt(at);
        const c1 = text.charCodeAt(at + 1);
        const c2 = text.charCodeAt(at + 2);
        const c3 = text.charCodeAt(at + 3);
        codes |= c0 | c1 | c2 | c3;
        const word = c0 | (c1 << 8) | (c2 << 16) | (c3 << 24);
        words[count++] = word;
        hash = hashWord(hash, word);
      }
      if (at < length) {
        let word = 0;
        for (let shift = 0; at < length; at++, shift += 8) {
          const code = text.charCodeAt(at);
          codes |= code;
          word |= code << shift;
        }
        words[count++] = word;
        hash = hashWord(hash, word);
      }
    }
    const fits = length <= inlineBytes && codes < 128;
    this.wordCount = fits ? count : -1;
    this.hash = finishHash(fits ? hash : hashOfCodes(text));
    return this;
  }
}

/** Packed, codes above 127 would run into each other. */
function hashOfCodes(text: string): number {
  let hash = hashSeed ^ text.length;
  for (let at = 0; at < text.length; at++) hash = hashWord(hash, text.charCodeAt(at));
  return hash;
}
