import { addTime, checkSpan, minTime } from '../time.ts';
import type { Element, EvictionTime, Evictor } from './evictor.ts';

/** Keeps the records of the last `span` before the window's newest record: those after newest − span. */
export class TimeEvictor implements Evictor<unknown> {
  readonly when: EvictionTime;
  readonly #span: number;

  constructor(span: number, when: EvictionTime = 'before') {
    checkSpan('span', span, 1);
    this.#span = span;
    this.when = when;
  }

  keep<E extends Element<unknown>>(elements: readonly E[]): readonly E[] {
    const newest = elements.reduce((high, { timestamp }) => Math.max(high, timestamp), minTime);
    const cutoff = addTime(newest, -this.#span);
    return elements.filter(({ timestamp }) => timestamp > cutoff);
  }
}
