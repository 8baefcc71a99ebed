import { EmfWriter } from './emf.ts';
import type { Labels, Metrics, MetricsSnapshot } from './metrics.ts';
import { MergedMetrics } from './metrics-merge.ts';
import { prometheusText, Timings } from './prometheus.ts';

const emfIntervalMs = 60_000;
const own = 'launcher';

/** All figures of one task, its own and its children's, for Prometheus (on request) and CloudWatch (as EMF lines). */
export class FigureExport {
  readonly #metrics: Metrics;
  readonly #timings = new Timings();
  readonly #emf: EmfWriter;
  readonly #merged: MergedMetrics;

  /** `metrics`: those of this process. */
  constructor(service: string, metrics: Metrics) {
    this.#metrics = metrics;
    this.#emf = new EmfWriter(service);
    this.#merged = new MergedMetrics((name: string, labels: Labels, ms: number) => {
      this.#timings.observe(name, labels, ms);
      this.#emf.observe(name, labels, ms);
    });
  }

  report(source: string, snapshot: MetricsSnapshot): void {
    this.#merged.report(source, snapshot);
  }

  end(source: string): void {
    this.#merged.end(source);
  }

  async prometheus(): Promise<string> {
    return prometheusText(this.#read(), this.#timings);
  }

  /** Writes EMF objects every 60 s, and once more at `stop`. */
  startEmf(write: (object: object) => void): { stop(): void } {
    const flush = (): void => {
      for (const object of this.#emf.write(this.#read(), Date.now())) write(object);
    };
    const timer = setInterval(flush, emfIntervalMs);
    return {
      stop: () => {
        clearInterval(timer);
        flush();
      },
    };
  }

  #read(): ReturnType<MergedMetrics['read']> {
    this.#merged.report(own, this.#metrics.drain());
    return this.#merged.read();
  }
}
