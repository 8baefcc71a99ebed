import type { ServiceName } from '../demo/flags.ts';
import type { LocalSystem } from '../demo/local-system.ts';
import { parseMetrics, RunningCounters } from '../demo/scrape.ts';

const scrapeTimeoutMs = 2_000;

/** What a service's tasks have counted over the whole run; what a process counted in its last second may be missing. */
export class ServiceCounters<N extends string> {
  readonly #system: Pick<LocalSystem, 'tasks'>;
  readonly #service: ServiceName;
  readonly #names: readonly N[];
  readonly #counters = new RunningCounters();

  constructor(system: Pick<LocalSystem, 'tasks'>, service: ServiceName, names: readonly N[]) {
    this.#system = system;
    this.#service = service;
    this.#names = names;
  }

  async look(): Promise<void> {
    await Promise.all(
      this.#system.tasks(this.#service).map(async ({ id, port }) => {
        if (port === undefined) return;
        try {
          const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(scrapeTimeoutMs) });
          this.#counters.add(id, parseMetrics(await answer.text()));
        } catch {
          // It was killed a moment ago: the next look sees.
        }
      }),
    );
  }

  /** All series of these names, summed over tasks. */
  read(): Readonly<Record<N, number>> {
    const sum = (name: string): number => this.#system.tasks(this.#service).reduce((all, { id }) => all + this.#counters.sum(id, name), 0);
    return Object.fromEntries(this.#names.map((name) => [name, sum(name)])) as Record<N, number>;
  }
}

/** What was counted between two readings; zeros are left out. */
export function countedBetween<N extends string>(
  before: Readonly<Record<N, number>>,
  after: Readonly<Record<N, number>>,
): Partial<Record<N, number>> {
  const names = Object.keys(after) as N[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]] as const).filter(([, n]) => n !== 0)) as Partial<
    Record<N, number>
  >;
}
