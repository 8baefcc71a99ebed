import type { CounterSample, GaugeSample, Labels } from './metrics.ts';

/** CloudWatch takes at most this many values of one metric in one EMF object (EMF specification, Target members). */
const maxValuesPerMetric = 100;
/** And this many metrics (EMF specification, MetricDirective object). */
const maxMetricsPerObject = 100;
/** Samples kept of one timing between two writes, and so at most 10 objects of it. */
const maxSamples = 1_000;
const namespace = 'TravelBuddy';

interface Value {
  readonly name: string;
  readonly unit: 'Count' | 'None' | 'Milliseconds';
  readonly value: number | readonly number[];
}

interface Group {
  readonly labels: Labels;
  readonly values: Value[];
}

interface Timing {
  readonly labels: Labels;
  readonly name: string;
  samples: number[];
  /** Every how many observations one is kept. */
  stride: number;
  seen: number;
}

/**
 * Turns the running figures into CloudWatch embedded metric format, one object per set of labels.
 * Counters are written as what was added since the last call, gauges as they stand, timings as their samples.
 * The label `shard` is folded (counters summed, gauges as each says): each dimension value is a metric that is paid for.
 * Tasks report under the same dimensions: an amount is read with the statistic Sum over one minute, a worst value with Maximum.
 */
export class EmfWriter {
  readonly #service: string;
  readonly #previous = new Map<string, number>();
  readonly #timings = new Map<string, Timing>();

  constructor(service: string) {
    this.#service = service;
  }

  observe(name: string, labels: Labels, ms: number): void {
    const folded = withoutShard(labels);
    const key = JSON.stringify([name, folded]);
    const timing = this.#timings.get(key) ?? { labels: folded, name, samples: [], stride: 1, seen: 0 };
    this.#timings.set(key, timing);
    if (timing.seen++ % timing.stride !== 0) return;
    timing.samples.push(ms);
    if (timing.samples.length <= maxSamples) return;
    // Thinned out evenly, so that the first seconds do not speak for the whole minute.
    timing.samples = timing.samples.filter((_, i) => i % 2 === 0);
    timing.stride *= 2;
  }

  /** `at`: epoch ms. */
  write(figures: { readonly counters: readonly CounterSample[]; readonly gauges: readonly GaugeSample[] }, at: number): object[] {
    const groups = new Map<string, Group>();
    const group = (labels: Labels): Group => {
      const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const found = groups.get(key) ?? { labels, values: [] };
      groups.set(key, found);
      return found;
    };
    for (const sample of fold(figures.counters, () => add)) {
      const key = JSON.stringify([sample.name, sample.labels]);
      const added = sample.value - (this.#previous.get(key) ?? 0);
      this.#previous.set(key, sample.value);
      group(sample.labels).values.push({ name: sample.name, unit: 'Count', value: added });
    }
    for (const sample of fold(figures.gauges, ({ fold: by }: GaugeSample) => (by === 'sum' ? add : Math.max))) {
      group(sample.labels).values.push({ name: sample.name, unit: 'None', value: sample.value });
    }
    for (const timing of this.#timings.values()) {
      group(timing.labels).values.push({ name: timing.name, unit: 'Milliseconds', value: timing.samples });
    }
    this.#timings.clear();
    return [...groups.values()].flatMap(({ labels, values }) => rounds(values).map((round) => this.#object(labels, round, at)));
  }

  #object(labels: Labels, values: readonly Value[], at: number): object {
    const metrics = values.map(({ name, unit }) => ({ Name: name, Unit: unit }));
    return {
      _aws: {
        Timestamp: at,
        CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [['service', ...Object.keys(labels)]], Metrics: metrics }],
      },
      service: this.#service,
      ...labels,
      ...Object.fromEntries(values.map(({ name, value }) => [name, value])),
    };
  }
}

/** What each object may hold: a metric with more samples than one takes goes on in the next. */
function rounds(values: readonly Value[]): Value[][] {
  const found: Value[][] = [];
  for (const { name, unit, value } of values) {
    const parts = typeof value === 'number' ? [value] : chunks(value, maxValuesPerMetric);
    for (const [i, part] of parts.entries()) (found[i] ??= []).push({ name, unit, value: part });
  }
  return found.flatMap((round) => chunks(round, maxMetricsPerObject));
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

const add = (a: number, b: number): number => a + b;

function fold<S extends CounterSample>(samples: readonly S[], combining: (sample: S) => (a: number, b: number) => number): CounterSample[] {
  const folded = new Map<string, CounterSample>();
  for (const sample of samples) {
    const labels = withoutShard(sample.labels);
    const key = JSON.stringify([sample.name, labels]);
    const before = folded.get(key);
    folded.set(key, {
      name: sample.name,
      labels,
      value: before === undefined ? sample.value : combining(sample)(before.value, sample.value),
    });
  }
  return [...folded.values()];
}

const withoutShard = (labels: Labels): Labels => Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'shard'));
