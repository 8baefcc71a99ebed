import type { Plain } from '../plain.ts';
import { misplaced, savedList } from '../state/saved.ts';
import { WindowError } from '../window-error.ts';
import type { Aggregate } from './aggregate.ts';

export type Scalar = string | number | boolean | null;

function savedScalar(saved: Plain): Scalar {
  if (typeof saved === 'object' && saved !== null) throw misplaced(saved, 'a scalar');
  return saved;
}

/** Number of different values, told apart by type and value: 1 and "1" are two, 0 and −0 are one. Keeps each value once. */
export const distinct: Aggregate<Scalar, Set<Scalar>, number> = {
  create: () => new Set(),
  add: (seen, value) => seen.add(value),
  merge: (a, b) => {
    for (const value of b) a.add(value);
    return a;
  },
  result: (seen) => seen.size,
  check: (value) => {
    const scalar = value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
    if (!scalar) throw new WindowError('RECORD_INVALID', `only JSON scalars can be told apart, got ${typeof value}`);
  },
  save: (seen) => [...seen],
  load: (saved: Plain) => new Set(savedList(saved).map(savedScalar)),
};
