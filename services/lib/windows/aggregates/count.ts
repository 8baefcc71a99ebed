import type { Plain } from '../plain.ts';
import { savedCount } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';

/** Number of records. */
export const count: Aggregate<unknown, number, number> = {
  create: () => 0,
  add: (total) => total + 1,
  merge: (a, b) => a + b,
  result: (total) => total,
  save: (total) => total,
  load: (saved: Plain) => savedCount(saved),
};
