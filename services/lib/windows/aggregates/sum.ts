import type { Plain } from '../plain.ts';
import { savedNumber } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';
import { checkNumber } from './numbers.ts';

/** Sum of numbers, added as floating point: exact for whole numbers up to 2^53, money in minor units for example. */
export const sum: Aggregate<number, number, number> = {
  create: () => 0,
  add: (total, value) => total + value,
  merge: (a, b) => a + b,
  result: (total) => total,
  check: checkNumber,
  save: (total) => total,
  load: (saved: Plain) => savedNumber(saved),
};
