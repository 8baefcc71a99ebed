import { createHash } from 'node:crypto';

/** A seeded source of numbers: the same seed gives the same traffic on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Whole, both ends included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Mean 1: the gaps of a Poisson process. */
  exponential(): number;
  /** Mean 0, deviation 1. */
  normal(): number;
}

/**
 * sfc32 (Chris Doty-Humphrey's Small Fast Counter, PractRand), seeded by a hash of the parts,
 * so that each purpose draws from its own stream and adding one does not shift the others.
 */
export function createRandom(...seed: readonly (string | number)[]): Random {
  const digest = createHash('sha256').update(JSON.stringify(seed)).digest();
  let a = digest.readUInt32LE(0);
  let b = digest.readUInt32LE(4);
  let c = digest.readUInt32LE(8);
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  return {
    next,
    integer: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    exponential: () => -Math.log(1 - next()),
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()), // Box-Muller
  };
}

/** Picks by weight in O(log n); weights need not sum to 1. */
export function weighted<T>(items: readonly (readonly [T, number])[]): (random: Random) => T {
  let sum = 0;
  const upTo = items.map(([, weight]) => (sum += weight));
  return (random) => {
    const target = random.next() * sum;
    let low = 0;
    let high = items.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    const item = items[low];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item[0];
  };
}
