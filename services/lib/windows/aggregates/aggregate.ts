import type { Plain } from '../plain.ts';

/**
 * How the values of a window become its result. `merge` must be associative; with sliced windows and merging sessions the order is by
 * time, else by arrival, so a result that depends on the order of values depends on that too.
 */
export interface Aggregate<V, A, R> {
  /** An accumulator of nothing. */
  create(): A;
  /** May change and return `accumulator`. Must not throw: what can be wrong with a value is for `check`. */
  add(accumulator: A, value: V): A;
  /** `b` follows `a`. May change and return `a`, must not change `b`. */
  merge(a: A, b: A): A;
  result(accumulator: A): R;
  /** Throws for a value that cannot be aggregated, before anything is changed. */
  check?(value: V): void;
  save(accumulator: A): Plain;
  load(saved: Plain): A;
}
