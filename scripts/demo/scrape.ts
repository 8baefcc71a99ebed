/** One value of the Prometheus text format 0.0.4. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Reads what prom-client writes; lines that are no sample are passed over. */
export function parseMetrics(text: string): Sample[] {
  return text.split('\n').flatMap((raw) => {
    const match = line.exec(raw);
    if (match === null) return [];
    const [, name = '', labels = '', value = ''] = match;
    const pairs = [...labels.matchAll(label)].map(([, key = '', text = '']) => [key, text.replace(/\\(.)/g, '$1')] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/**
 * Counters over the whole run: one that falls belongs to a new process, and what the old one had counted stays.
 * For display only; what an old process counted after the last look is not in it.
 */
export class RunningCounters {
  readonly #last = new Map<string, number>();
  readonly #totals = new Map<string, Sample>();

  add(service: string, samples: readonly Sample[]): void {
    for (const { name, labels, value } of samples) {
      const key = `${service} ${name} ${JSON.stringify(labels)}`;
      const last = this.#last.get(key) ?? 0;
      const total = this.#totals.get(key)?.value ?? 0;
      this.#last.set(key, value);
      this.#totals.set(key, { name, labels: { ...labels, service }, value: total + (value >= last ? value - last : value) });
    }
  }

  sum(service: string, name: string): number {
    return this.#matching(service, name).reduce((sum, s) => sum + s.value, 0);
  }

  /** By the value of one label. */
  by(service: string, name: string, labelName: string): Record<string, number> {
    const result: Record<string, number> = {};
    for (const s of this.#matching(service, name)) {
      const value = s.labels[labelName] ?? '';
      result[value] = (result[value] ?? 0) + s.value;
    }
    return result;
  }

  #matching(service: string, name: string): Sample[] {
    return [...this.#totals.values()].filter((s) => s.name === name && s.labels['service'] === service);
  }
}
