import { addTime, checkSpan, minTime, recordTime } from '../time.ts';

/**
 * The watermark of one input whose records come at most `disorder` after a newer one: newest − disorder − 1, which says that no record at
 * or before it is to come (Flink: BoundedOutOfOrdernessWatermarks). With disorder 0: times that never go back.
 */
export class BoundedDisorder {
  readonly #disorder: number;
  #newest = minTime;

  constructor(disorder: number) {
    checkSpan('disorder', disorder, 0);
    this.#disorder = disorder;
  }

  /** Returns the watermark after the record. */
  observe(timestamp: number): number {
    this.#newest = Math.max(this.#newest, recordTime(timestamp));
    return this.watermark;
  }

  /** minTime before the first record. */
  get watermark(): number {
    return this.#newest === minTime ? minTime : addTime(this.#newest, -this.#disorder - 1);
  }

  /** Newest time observed: what a restart needs, given to `observe`. Undefined before the first record. */
  get newest(): number | undefined {
    return this.#newest === minTime ? undefined : this.#newest;
  }
}

/**
 * Systems differ in what a watermark of `time` says. Here, as in Flink: nothing at or before it is to come. In Beam: nothing before it.
 */
export const fromBeamWatermark = (time: number): number => addTime(time, -1);
