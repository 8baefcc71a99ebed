import type { RecordStep, Run, Step } from './steps.ts';

interface Open {
  readonly key: string;
  readonly start: number;
  all: RecordStep[];
  fresh: RecordStep[];
  counted: number;
  panes: number;
  timely: number;
  last: boolean;
}

/**
 * Tumbling windows under repeat(first of: n records, watermark past end) with Beam's panes. Told is
 * [key, start, values, timing, first, last, index, nonSpeculativeIndex].
 */
export class PlainBeam implements Run {
  readonly #size: number;
  readonly #lateness: number;
  readonly #atLeast: number;
  readonly #accumulating: boolean;
  readonly #closing: 'never' | 'always' | 'if-changed';
  #windows: Open[] = [];
  #watermark = Number.NEGATIVE_INFINITY;

  constructor(size: number, lateness: number, atLeast: number, accumulating: boolean, closing: 'never' | 'always' | 'if-changed') {
    this.#size = size;
    this.#lateness = lateness;
    this.#atLeast = atLeast;
    this.#accumulating = accumulating;
    this.#closing = closing;
  }

  step(step: Step): unknown[] {
    return step.kind === 'record' ? this.#record(step) : this.#time(step.time);
  }

  #record(record: RecordStep): unknown[] {
    const start = Math.floor(record.timestamp / this.#size) * this.#size;
    const end = start + this.#size;
    if (this.#watermark >= end - 1 + this.#lateness) return [['late', record.timestamp]];
    let window = this.#windows.find((other) => other.key === record.key && other.start === start);
    if (window === undefined) {
      window = { key: record.key, start, all: [], fresh: [], counted: 0, panes: 0, timely: 0, last: false };
      this.#windows.push(window);
    }
    window.all.push(record);
    window.fresh.push(record);
    window.counted += 1;
    const past = this.#watermark >= end - 1;
    if (!past && window.counted < this.#atLeast) return [];
    return [this.#tell(window, past ? 'LATE' : 'EARLY', false)];
  }

  #time(time: number): unknown[] {
    if (time <= this.#watermark) return [];
    const before = this.#watermark;
    this.#watermark = time;
    const told: unknown[] = [];
    for (const window of this.#windows) {
      const end = window.start + this.#size;
      const over = time >= end - 1 + this.#lateness;
      if (before < end - 1 && end - 1 <= time) told.push(this.#tell(window, window.timely > 0 ? 'LATE' : 'ON_TIME', over));
      const news = window.fresh.length > 0;
      if (over && !window.last && (this.#closing === 'always' || (this.#closing === 'if-changed' && news))) {
        told.push(this.#tell(window, window.timely > 0 ? 'LATE' : 'ON_TIME', true));
      }
    }
    this.#windows = this.#windows.filter(({ start }) => time < start + this.#size - 1 + this.#lateness);
    return told;
  }

  #tell(window: Open, timing: string, last: boolean): unknown {
    const values = (this.#accumulating ? window.all : window.fresh).map(({ value }) => value);
    window.fresh = [];
    window.counted = 0;
    window.last = last;
    const index = window.panes++;
    const timely = timing === 'EARLY' ? -1 : window.timely++;
    return [window.key, window.start, values, timing, index === 0, last, index, timely];
  }
}
