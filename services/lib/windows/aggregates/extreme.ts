import type { Plain } from '../plain.ts';
import { savedNumber } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';
import { checkNumber } from './numbers.ts';

/** Null: of nothing. */
type Extreme = number | null;

const extreme = (better: (a: number, b: number) => number): Aggregate<number, Extreme, Extreme> => ({
  create: () => null,
  add: (best, value) => (best === null ? value + 0 : better(best, value + 0)),
  merge: (a, b) => (a === null || b === null ? (a ?? b) : better(a, b)),
  result: (best) => best,
  check: checkNumber,
  save: (best) => best,
  load: (saved: Plain) => (saved === null ? null : savedNumber(saved)),
});

export const min = extreme(Math.min);
export const max = extreme(Math.max);
