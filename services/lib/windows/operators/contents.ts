import type { Aggregate } from '../aggregates/aggregate.ts';
import type { Element, Evictor } from '../evictors/evictor.ts';
import type { Plain } from '../plain.ts';
import { loadElements, saveElements } from '../state/elements.ts';

/** What a window keeps of its records: one accumulator, or all of them where an evictor must choose. */
export interface Contents<V, C, R> {
  create(): C;
  add(contents: C, timestamp: number, value: V): C;
  /** `b` follows `a`. */
  merge(a: C, b: C): C;
  /** What a firing emits, and what is left after it; undefined: nothing, the window is empty again. */
  fire(contents: C): { readonly value: R; readonly left: C | undefined };
  save(contents: C): Plain;
  load(saved: Plain): C;
}

export const aggregated = <V, A, R>(aggregate: Aggregate<V, A, R>): Contents<V, A, R> => ({
  create: () => aggregate.create(),
  add: (accumulator, _timestamp, value) => aggregate.add(accumulator, value),
  merge: (a, b) => aggregate.merge(a, b),
  fire: (accumulator) => ({ value: aggregate.result(accumulator), left: accumulator }),
  save: (accumulator) => aggregate.save(accumulator),
  load: (saved) => aggregate.load(saved),
});

/** Values are kept in snapshots as they are: they must be JSON. */
export const evicted = <V, A, R>(aggregate: Aggregate<V, A, R>, evictor: Evictor<V>): Contents<V, Element<V>[], R> => ({
  create: () => [],
  add: (elements, timestamp, value) => {
    elements.push({ timestamp, value });
    return elements;
  },
  merge: (a, b) => [...a, ...b],
  fire: (elements) => {
    const shown = evictor.when === 'before' ? evictor.keep(elements) : elements;
    const accumulator = shown.reduce((sofar, { value }) => aggregate.add(sofar, value), aggregate.create());
    const left = evictor.when === 'after' ? evictor.keep(shown) : shown;
    return { value: aggregate.result(accumulator), left: left.length === 0 ? undefined : [...left] };
  },
  save: saveElements,
  load: loadElements,
});
