import { checkOffset } from '../assigners/offset.ts';
import { addTime, checkSpan, phaseOf } from '../time.ts';
import { WindowError } from '../window-error.ts';

export interface HoppingSlicesOptions {
  readonly size: number;
  readonly slide: number;
  readonly offset?: number;
  /**
   * A size that is not a multiple of the slide: `paired` cuts two slices a slide, at window starts and at window ends (the default);
   * `rejected` as in Flink SQL.
   */
  readonly uneven?: 'paired' | 'rejected';
}

/** A window in more slices than this takes too long to add up. */
const maxSlicesPerWindow = 100_000;

/**
 * The pieces that hopping windows have in common, cut where a window starts or ends, so that each record is added once however many
 * windows overlap. A slice is known by its end. Where the slide divides the size a slice is as long as the slide (Flink SQL:
 * HoppingSliceAssigner), else there are two a slide, of size mod slide and the rest (Krishnamurthy, Wu, Franklin: On-the-fly sharing for
 * streamed aggregation, SIGMOD 2006).
 */
export class HoppingSlices {
  readonly size: number;
  readonly slide: number;
  readonly #offset: number;
  /** From a window's start to the last cut within a slide; 0 where the slide divides the size. */
  readonly #rest: number;
  /** Windows end this far behind the multiples of the slide. */
  readonly #endPhase: number;

  constructor({ size, slide, offset = 0, uneven = 'paired' }: HoppingSlicesOptions) {
    checkSpan('size', size, 1);
    checkSpan('slide', slide, 1);
    checkOffset(offset, slide, 'either-sign');
    if (uneven === 'rejected' && size % slide !== 0) {
      throw new WindowError('PARAMETER_INVALID', `size must be a multiple of slide, got ${size} and ${slide}`);
    }
    if (size / slide > maxSlicesPerWindow) {
      throw new WindowError('PARAMETER_INVALID', `a window would have more than ${maxSlicesPerWindow} slices: ${size} / ${slide}`);
    }
    this.size = size;
    this.slide = slide;
    this.#offset = offset;
    this.#rest = size % slide;
    this.#endPhase = offset + this.#rest;
  }

  /** End of the slice that a time falls in; undefined where the slide leaves gaps and it lies in one. */
  sliceEnd(timestamp: number): number | undefined {
    const phase = phaseOf(timestamp, this.#offset, this.slide);
    if (phase < this.#rest) return addTime(timestamp, this.#rest - phase);
    return this.slide > this.size ? undefined : addTime(timestamp, this.slide - phase);
  }

  /** Ends of the slices that make up a window, newest first. */
  slicesOf(windowEnd: number): number[] {
    const ends: number[] = [];
    const start = windowEnd - this.size;
    for (let end = windowEnd; end > start; end -= this.slide) {
      ends.push(end);
      if (this.#rest > 0 && end - this.#rest > start) ends.push(end - this.#rest);
    }
    return ends;
  }

  /** Ends of the slices of no window after this one, ascending: free once it has fired for the last time. */
  expiredBy(windowEnd: number): number[] {
    const next = windowEnd - this.size + this.slide;
    return this.slicesOf(windowEnd)
      .filter((end) => end <= next)
      .reverse();
  }

  /** End of the first window that holds a slice. */
  firstWindowEnd(sliceEnd: number): number {
    return addTime(sliceEnd, phaseOf(this.#endPhase, sliceEnd, this.slide));
  }

  /** End of the last window that holds a slice: the window that starts with it, or with the slice before it. */
  lastWindowEnd(sliceEnd: number): number {
    const start = addTime(sliceEnd, -1 - phaseOf(addTime(sliceEnd, -1), this.#offset, this.slide));
    return addTime(start, this.size);
  }

  /** The window to look at after one has fired: none after an empty one, so that a quiet key costs nothing. */
  nextTrigger(firedEnd: number, windowEmpty: boolean): number | undefined {
    return windowEmpty ? undefined : addTime(firedEnd, this.slide);
  }
}
