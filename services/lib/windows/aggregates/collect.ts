import { checkPlain, type Plain } from '../plain.ts';
import { savedList, savedValue } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';

/** The values themselves. Keeps all of them: where a number will do, aggregate. */
export const collect = <V extends Plain>(): Aggregate<V, V[], readonly V[]> => ({
  create: () => [],
  add: (values, value) => {
    values.push(value);
    return values;
  },
  merge: (a, b) => {
    for (const value of b) a.push(value);
    return a;
  },
  result: (values) => [...values],
  check: checkPlain,
  save: (values) => [...values],
  load: (saved) => savedList(saved).map((value) => savedValue(value) as V),
});
