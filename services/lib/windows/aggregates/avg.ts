import type { Plain } from '../plain.ts';
import { savedCount, savedList, savedNumber } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';
import { checkNumber } from './numbers.ts';

type SumAndCount = readonly [sum: number, count: number];

/** Arithmetic mean of numbers; null of nothing. */
export const avg: Aggregate<number, SumAndCount, number | null> = {
  create: () => [0, 0],
  add: ([sum, count], value) => [sum + value, count + 1],
  merge: (a, b) => [a[0] + b[0], a[1] + b[1]],
  result: ([sum, count]) => (count === 0 ? null : sum / count),
  check: checkNumber,
  save: (pair) => pair,
  load: (saved: Plain) => {
    const [sum, count] = savedList(saved, 2);
    return [savedNumber(sum), savedCount(count)];
  },
};
