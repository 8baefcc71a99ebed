import { randomBytes } from 'node:crypto';

/**
 * Differs from process to process, so that nobody can prepare keys that all fall into one bucket. No result depends on it.
 */
export const hashSeed: number = randomBytes(4).readInt32LE();

/**
 * 32-bit hashing, a word at a time, by the steps of MurmurHash3 (Appleby, public domain). Not for storage: hashes are worked out anew
 * wherever a key comes in.
 */
export function hashWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const h = hash ^ k;
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

/** Spreads every bit over the whole word; to be taken once, at the end. */
export function finishHash(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
