import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CounterSample, Labels } from './metrics.ts';

/** ms; from a fast put to a task that is minutes behind. */
const timingBucketsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];

/** Timings of one launcher, as histograms whose names end in `_ms`. */
export class Timings {
  readonly registry = new Registry();
  readonly #histograms = new Map<string, { readonly histogram: Histogram; readonly labelNames: readonly string[] }>();

  observe(name: string, labels: Labels, ms: number): void {
    // Prometheus wants one set of label names per metric: the first use of a name decides.
    let known = this.#histograms.get(name);
    if (known === undefined) {
      const labelNames = Object.keys(labels).sort();
      const named = name.endsWith('_ms') ? name : `${name}_ms`;
      const histogram = new Histogram({ name: named, help: name, labelNames, buckets: timingBucketsMs, registers: [this.registry] });
      known = { histogram, labelNames };
      this.#histograms.set(name, known);
    }
    known.histogram.observe(Object.fromEntries(known.labelNames.map((label) => [label, labels[label] ?? ''])), ms);
  }
}

/** Prometheus text (exposition format 0.0.4) of the figures as they stand. */
export async function prometheusText(
  figures: { readonly counters: readonly CounterSample[]; readonly gauges: readonly CounterSample[] },
  timings: Timings,
): Promise<string> {
  const registry = new Registry();
  for (const [name, samples] of byName(figures.counters)) {
    const counter = new Counter({ name, help: name, labelNames: labelNamesOf(samples), registers: [registry] });
    for (const sample of samples) counter.inc(sample.labels, sample.value);
  }
  for (const [name, samples] of byName(figures.gauges)) {
    const gauge = new Gauge({ name, help: name, labelNames: labelNamesOf(samples), registers: [registry] });
    for (const sample of samples) gauge.set(sample.labels, sample.value);
  }
  return `${await registry.metrics()}${await timings.registry.metrics()}`;
}

function byName(samples: readonly CounterSample[]): Map<string, CounterSample[]> {
  const groups = new Map<string, CounterSample[]>();
  for (const sample of samples) groups.set(sample.name, [...(groups.get(sample.name) ?? []), sample]);
  return groups;
}

const labelNamesOf = (samples: readonly CounterSample[]): string[] => [...new Set(samples.flatMap((s) => Object.keys(s.labels)))].sort();
