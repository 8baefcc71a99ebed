import { randomBytes } from 'node:crypto';

// What hashes depend on differs from process to process, so that nobody can prepare keys that all fall into one bucket. No result does.
export const hashSeed: number = randomBytes(4).readInt32LE();
const [a0, a1, b0, b1, c0, c1, d0, d1] = secrets();
const [e0, e1, f0, f1, g0, g1, h0, h1] = secrets();
const upperHalf = ~0xffff;

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

/**
 * Of four words, whoever chose them: the hashes of any two differ as if they were drawn. Two sums of products by Lemire and Kaser,
 * "Strongly universal string hashing is fast" (2014), of whose bits the upper are.
 */
export function hashOfFour(a: number, b: number, c: number, d: number): number {
  const upper = product(a, a0, a1) + product(b, b0, b1) + product(c, c0, c1) + product(d, d0, d1);
  const lower = product(a, e0, e1) + product(b, f0, f1) + product(c, g0, g1) + product(d, h0, h1);
  return (upper & upperHalf) | (lower >>> 16);
}

function secrets(): [number, number, number, number, number, number, number, number] {
  const bytes = randomBytes(32);
  const word = (i: number): number => bytes.readInt32LE(4 * i);
  return [word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)];
}

/** Of a word's halves, each with a secret added. */
const product = (word: number, low: number, high: number): number => Math.imul((word & 0xffff) + low, (word >>> 16) + high);
