/** Labels of a metric; every combination is one series, so their values must come from a small closed set. */
export type Labels = Readonly<Record<string, string>>;

export interface CounterSample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

/**
 * `fold`: how a gauge of several shards becomes one figure. The worst of them (the default) suits an age or a lag;
 * `sum` suits an amount, such as keys or bytes held.
 */
export interface GaugeSample extends CounterSample {
  readonly fold?: 'sum';
}

/** What a service reports. Counters only rise; gauges hold the last value; timings keep their latest samples (ms). */
export interface MetricsSnapshot {
  readonly counters: readonly CounterSample[];
  readonly gauges: readonly GaugeSample[];
  readonly timings: readonly { readonly name: string; readonly labels: Labels; readonly samplesMs: readonly number[] }[];
}

const maxSeries = 2_000;
const maxSamplesPerTiming = 1_000;

interface Series<T> {
  readonly name: string;
  readonly labels: Labels;
  fold?: 'sum';
  value: T;
}

/**
 * In-process metrics. Live figures for dashboards and the status line: a figure dies with its process,
 * so no judgement of correctness ever rests on one.
 */
export class Metrics {
  readonly #counters = new Map<string, Series<number>>();
  readonly #gauges = new Map<string, Series<number>>();
  readonly #timings = new Map<string, Series<number[]>>();

  count(name: string, by = 1, labels: Labels = {}): void {
    const series = this.#series(this.#counters, name, labels, () => 0);
    if (series) series.value += by;
  }

  gauge(name: string, value: number, labels: Labels = {}, fold?: 'sum'): void {
    const series = this.#series(this.#gauges, name, labels, () => 0);
    if (series === undefined) return;
    series.value = value;
    if (fold !== undefined) series.fold = fold;
  }

  timing(name: string, ms: number, labels: Labels = {}): void {
    const series = this.#series(this.#timings, name, labels, () => [] as number[]);
    if (series && series.value.length < maxSamplesPerTiming) series.value.push(ms);
  }

  /** Counters and gauges as they stand; timings since the last call. */
  drain(): MetricsSnapshot {
    const timings = [...this.#timings.values()].map((s) => ({ name: s.name, labels: s.labels, samplesMs: s.value }));
    this.#timings.clear();
    return {
      counters: [...this.#counters.values()].map((s) => ({ ...s })),
      gauges: [...this.#gauges.values()].map((s) => ({ ...s })),
      timings,
    };
  }

  #series<T>(map: Map<string, Series<T>>, name: string, labels: Labels, initial: () => T): Series<T> | undefined {
    const key = `${name}|${JSON.stringify(labels)}`;
    let series = map.get(key);
    if (series === undefined && map.size < maxSeries) map.set(key, (series = { name, labels, value: initial() }));
    return series;
  }
}
