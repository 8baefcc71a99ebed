import { hash } from 'node:crypto';

/** Both ends inclusive (API reference, HashKeyRange). */
export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

export const hashKeys = 1n << 128n;

/** The whole hash key space in `count` equal parts, as CreateStream and UNIFORM_SCALING lay it out. */
export function uniformRanges(count: number): HashRange[] {
  const boundary = (i: number): bigint => (hashKeys * BigInt(i)) / BigInt(count);
  return Array.from({ length: count }, (_, i) => ({ start: boundary(i), end: boundary(i + 1) - 1n }));
}

const topShift = 80n;

/**
 * Finds the owner of a hash key among ranges that tile the key space. Compares the top 48 bits as numbers and falls back to
 * the whole key only where these tie, since routing is on the path of every record.
 */
export class HashRouter<T extends { readonly range: HashRange }> {
  readonly #owners: readonly T[];
  readonly #tops: Float64Array;

  constructor(owners: readonly T[]) {
    this.#owners = [...owners].sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
    this.#tops = Float64Array.from(this.#owners, (owner) => Number(owner.range.start >> topShift));
  }

  byPartitionKey(key: string): T {
    const digest = hash('md5', key, 'binary');
    const top =
      (digest.charCodeAt(0) * 256 + digest.charCodeAt(1)) * 4_294_967_296 +
      digest.charCodeAt(2) * 16_777_216 +
      digest.charCodeAt(3) * 65_536 +
      digest.charCodeAt(4) * 256 +
      digest.charCodeAt(5);
    const index = this.#lastAtOrBelow(top);
    return this.#tops[index] === top ? this.byHashKey(BigInt(`0x${Buffer.from(digest, 'latin1').toString('hex')}`)) : this.#at(index);
  }

  byHashKey(key: bigint): T {
    let index = this.#lastAtOrBelow(Number(key >> topShift));
    while (index > 0 && this.#at(index).range.start > key) index -= 1;
    return this.#at(index);
  }

  #lastAtOrBelow(top: number): number {
    const tops = this.#tops;
    let low = 0;
    let high = tops.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((tops[middle] as number) <= top) low = middle;
      else high = middle;
    }
    return low;
  }

  #at(index: number): T {
    return this.#owners[index] as T;
  }
}
