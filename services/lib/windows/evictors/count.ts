import { checkSpan } from '../time.ts';
import type { Element, EvictionTime, Evictor } from './evictor.ts';

/** Keeps the `most` records that came last. */
export class CountEvictor implements Evictor<unknown> {
  readonly when: EvictionTime;
  readonly #most: number;

  constructor(most: number, when: EvictionTime = 'before') {
    checkSpan('most', most, 1);
    this.#most = most;
    this.when = when;
  }

  keep<E extends Element<unknown>>(elements: readonly E[]): readonly E[] {
    return elements.slice(-this.#most);
  }
}
