import { savedList } from '../state/saved.ts';
import type { Aggregate } from './aggregate.ts';

type Results<T> = { readonly [K in keyof T]: T[K] extends Aggregate<never, never, infer R> ? R : never };

/** Several aggregates of the same values, each result under its name. */
export function several<V, T extends Readonly<Record<string, Aggregate<V, unknown, unknown>>>>(
  parts: T,
): Aggregate<V, readonly unknown[], Results<T>> {
  const names = Object.keys(parts);
  const all = Object.values(parts);
  return {
    create: () => all.map((part) => part.create()),
    add: (accumulators, value) => all.map((part, i) => part.add(accumulators[i], value)),
    merge: (a, b) => all.map((part, i) => part.merge(a[i], b[i])),
    result: (accumulators) => Object.fromEntries(all.map((part, i) => [names[i], part.result(accumulators[i])])) as Results<T>,
    check: (value) => {
      for (const part of all) part.check?.(value);
    },
    save: (accumulators) => all.map((part, i) => part.save(accumulators[i])),
    load: (saved) => {
      const each = savedList(saved, all.length);
      return all.map((part, i) => part.load(each[i] ?? null));
    },
  };
}
