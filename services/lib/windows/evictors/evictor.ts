/** One record of a window, as it came. */
export interface Element<V> {
  readonly timestamp: number;
  readonly value: V;
}

/** `before`: what is evicted is not in the pane; `after`: it is in this pane, but in none to come. */
export type EvictionTime = 'before' | 'after';

/** Removes records of a window when it fires. With one, a window keeps every record instead of one accumulator. */
export interface Evictor<in V> {
  readonly when: EvictionTime;
  /** Those that stay, in the order given (arrival). */
  keep<E extends Element<V>>(elements: readonly E[]): readonly E[];
}
