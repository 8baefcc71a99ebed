import type { CounterSample, Labels } from './metrics.ts';

/** CloudWatch takes at most this many values of one metric in one EMF object (EMF specification, Target members). */
const maxValuesPerMetric = 100;
const namespace = 'TravelBuddy';

interface Group {
  readonly labels: Labels;
  readonly values: Map<string, { unit: 'Count' | 'None' | 'Milliseconds'; value: number | number[] }>;
}

/**
 * Turns the running figures into CloudWatch embedded metric format, one object per set of labels.
 * Counters are written as what was added since the last call, gauges as they stand, timings as their samples.
 * The label `shard` is folded (counters summed, gauges by maximum): each dimension value is a metric that is paid for.
 */
export class EmfWriter {
  readonly #service: string;
  readonly #previous = new Map<string, number>();
  readonly #timings = new Map<string, { labels: Labels; name: string; samples: number[] }>();

  constructor(service: string) {
    this.#service = service;
  }

  observe(name: string, labels: Labels, ms: number): void {
    const folded = withoutShard(labels);
    const key = JSON.stringify([name, folded]);
    const timing = this.#timings.get(key) ?? { labels: folded, name, samples: [] };
    if (timing.samples.length < maxValuesPerMetric) timing.samples.push(ms);
    this.#timings.set(key, timing);
  }

  /** `at`: epoch ms. */
  write(figures: { readonly counters: readonly CounterSample[]; readonly gauges: readonly CounterSample[] }, at: number): object[] {
    const groups = new Map<string, Group>();
    const group = (labels: Labels): Group => {
      const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
      const found = groups.get(key) ?? { labels, values: new Map() };
      groups.set(key, found);
      return found;
    };
    for (const sample of fold(figures.counters, (a, b) => a + b)) {
      const key = JSON.stringify([sample.name, sample.labels]);
      const added = sample.value - (this.#previous.get(key) ?? 0);
      this.#previous.set(key, sample.value);
      group(sample.labels).values.set(sample.name, { unit: 'Count', value: added });
    }
    for (const sample of fold(figures.gauges, Math.max))
      group(sample.labels).values.set(sample.name, { unit: 'None', value: sample.value });
    for (const timing of this.#timings.values()) {
      group(timing.labels).values.set(timing.name, { unit: 'Milliseconds', value: timing.samples });
    }
    this.#timings.clear();
    return [...groups.values()].map((found) => this.#object(found, at));
  }

  #object({ labels, values }: Group, at: number): object {
    const metrics = [...values].map(([name, { unit }]) => ({ Name: name, Unit: unit }));
    return {
      _aws: {
        Timestamp: at,
        CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [['service', ...Object.keys(labels)]], Metrics: metrics }],
      },
      service: this.#service,
      ...labels,
      ...Object.fromEntries([...values].map(([name, { value }]) => [name, value])),
    };
  }
}

function fold(samples: readonly CounterSample[], combine: (a: number, b: number) => number): CounterSample[] {
  const folded = new Map<string, CounterSample>();
  for (const sample of samples) {
    const labels = withoutShard(sample.labels);
    const key = JSON.stringify([sample.name, labels]);
    const before = folded.get(key);
    folded.set(key, { name: sample.name, labels, value: before === undefined ? sample.value : combine(before.value, sample.value) });
  }
  return [...folded.values()];
}

const withoutShard = (labels: Labels): Labels => Object.fromEntries(Object.entries(labels).filter(([name]) => name !== 'shard'));
