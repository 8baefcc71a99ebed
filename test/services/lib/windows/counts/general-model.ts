import type { Aggregate } from '../../../../../services/lib/windows/aggregates/aggregate.ts';
import { count } from '../../../../../services/lib/windows/aggregates/count.ts';
import { several } from '../../../../../services/lib/windows/aggregates/several.ts';
import { sum } from '../../../../../services/lib/windows/aggregates/sum.ts';
import { HoppingWindows } from '../../../../../services/lib/windows/assigners/hopping.ts';
import type { WindowCountsOptions } from '../../../../../services/lib/windows/counts/counts-options.ts';
import type { CountOutcome } from '../../../../../services/lib/windows/counts/window-counts.ts';
import type { Pane } from '../../../../../services/lib/windows/operators/pane.ts';
import { WindowOperator } from '../../../../../services/lib/windows/operators/window-operator.ts';
import type { InRange } from '../../../../../services/lib/windows/state/floors.ts';

export interface Told {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly sum: number;
}

interface Results {
  readonly count: number;
  readonly sum: number;
}

/** Both take numbers only, so that records have number values. */
const countOf: Aggregate<number, number, number> = count;
const both: Aggregate<number, unknown, Results> = several({ count: countOf, sum });

/** A range is a list of keys. */
export const inRange: InRange = (key, range) => range.split(',').includes(key);

/** What WindowCounts says it does, by the general operator and plain Maps. */
export class GeneralModel {
  readonly #options: WindowCountsOptions;
  readonly #windows: HoppingWindows;
  #operator: WindowOperator<number, Results>;
  #ids = new Map<string, number>();

  constructor(options: WindowCountsOptions) {
    this.#options = options;
    const { size, slide = size, offset = 0 } = options;
    this.#windows = new HoppingWindows({ size, slide, offset });
    this.#operator = new WindowOperator(this.#operatorOptions());
  }

  add(key: string, id: string, time: number, value: number): { readonly outcome: CountOutcome; readonly told: Told[] } {
    const { disorder } = this.#options;
    if (this.#isLate(time, this.#operator.watermarkOf(key))) return { outcome: 'late', told: [] };
    const before = this.#ids.get(id);
    if (before !== undefined && !this.#isLate(before, this.#operator.watermark)) return { outcome: 'duplicate', told: [] };
    this.#ids.set(id, time);
    this.#operator.process({ key, timestamp: time, value });
    return { outcome: 'used', told: this.advance(time - disorder - 1) };
  }

  advance(watermark: number): Told[] {
    return this.#operator.advanceWatermark(watermark).map((pane) => this.#told(pane));
  }

  get watermark(): number {
    return this.#operator.watermark;
  }

  /** Several models and the ranges of keys to take from them. */
  static restored(options: WindowCountsOptions, parts: readonly { readonly model: GeneralModel; readonly range?: string }[]): GeneralModel {
    const merged = new GeneralModel(options);
    merged.#operator = WindowOperator.restore(
      merged.#operatorOptions(),
      parts.map(({ model, range }) => ({ frames: [...model.#operator.snapshot()], ...(range === undefined ? {} : { range }) })),
    );
    for (const { model } of parts) {
      for (const [id, time] of model.#ids) if (!model.#isLate(time, model.#operator.watermark)) merged.#ids.set(id, time);
    }
    return merged;
  }

  #isLate(time: number, watermark: number): boolean {
    const { maxDelay = Number.POSITIVE_INFINITY } = this.#options;
    return time < watermark - maxDelay || this.#windows.assign(time).every((window) => window.maxTimestamp <= watermark);
  }

  #operatorOptions() {
    return { assigner: this.#windows, aggregate: both, inRange };
  }

  #told({ key, window, value }: Pane<Results>): Told {
    return { key, start: window.start, end: window.end, count: value.count, sum: this.#options.summing === true ? value.sum : 0 };
  }
}

export const inOrder = (told: readonly Told[]): Told[] => [...told].sort((a, b) => a.end - b.end || (a.key < b.key ? -1 : 1));
