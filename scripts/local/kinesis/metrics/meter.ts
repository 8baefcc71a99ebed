import type { MetricName } from './names.ts';
import { type Datapoint, Series } from './series.ts';

/** What one set of metrics is about: a stream, one of its shards, or one of its consumers. */
export interface Dimensions {
  readonly stream: string;
  readonly shard?: string;
  readonly consumer?: string;
}

/** All metrics of one set of dimensions. */
export class Meter {
  readonly dimensions: Dimensions;
  readonly #maxPeriods: number;
  readonly #series = new Map<MetricName, Series>();
  latestMs = Number.NEGATIVE_INFINITY;

  constructor(dimensions: Dimensions, maxPeriods: number) {
    this.dimensions = dimensions;
    this.#maxPeriods = maxPeriods;
  }

  /** One sample in the period that begins at `startMs`. */
  add(name: MetricName, startMs: number, value: number): void {
    let series = this.#series.get(name);
    if (series === undefined) {
      series = new Series(this.#maxPeriods);
      this.#series.set(name, series);
    }
    series.add(startMs, value);
    if (startMs > this.latestMs) this.latestMs = startMs;
  }

  names(): MetricName[] {
    return [...this.#series.keys()].sort();
  }

  datapoints(name: MetricName, fromMs: number, toMs: number): Datapoint[] {
    return this.#series.get(name)?.datapoints(fromMs, toMs) ?? [];
  }
}
