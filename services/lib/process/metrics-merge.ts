import type { CounterSample, GaugeSample, Labels, MetricsSnapshot } from './metrics.ts';

/**
 * Adds up what several processes report. A process's counters start at 0 again when it is replaced, so those of an ended
 * one are kept as a base: the sum never falls. Its gauges go with it.
 */
export class MergedMetrics {
  readonly #live = new Map<string, MetricsSnapshot>();
  readonly #ended = new Map<string, CounterSample>();
  readonly #onTiming: (name: string, labels: Labels, ms: number) => void;

  constructor(onTiming: (name: string, labels: Labels, ms: number) => void) {
    this.#onTiming = onTiming;
  }

  /** `source` names one life of one process: a new process must come with a new name. */
  report(source: string, snapshot: MetricsSnapshot): void {
    this.#live.set(source, snapshot);
    for (const timing of snapshot.timings) {
      for (const ms of timing.samplesMs) this.#onTiming(timing.name, timing.labels, ms);
    }
  }

  /** The process has ended: what it counted stays. */
  end(source: string): void {
    for (const counter of this.#live.get(source)?.counters ?? []) addTo(this.#ended, counter);
    this.#live.delete(source);
  }

  /** Counters summed over all lives; a gauge that two live processes report under the same labels shows the larger value. */
  read(): { readonly counters: readonly CounterSample[]; readonly gauges: readonly GaugeSample[] } {
    const counters = new Map(this.#ended);
    const gauges = new Map<string, GaugeSample>();
    for (const snapshot of this.#live.values()) {
      for (const counter of snapshot.counters) addTo(counters, counter);
      for (const gauge of snapshot.gauges) {
        const key = seriesKey(gauge);
        if (gauge.value >= (gauges.get(key)?.value ?? Number.NEGATIVE_INFINITY)) gauges.set(key, gauge);
      }
    }
    return { counters: [...counters.values()], gauges: [...gauges.values()] };
  }
}

function addTo(sums: Map<string, CounterSample>, sample: CounterSample): void {
  const key = seriesKey(sample);
  sums.set(key, { ...sample, value: sample.value + (sums.get(key)?.value ?? 0) });
}

const seriesKey = (sample: CounterSample): string =>
  JSON.stringify([sample.name, Object.entries(sample.labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
