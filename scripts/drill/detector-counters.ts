import type { LocalSystem } from '../demo/local-system.ts';
import { parseMetrics, RunningCounters } from '../demo/scrape.ts';

const scrapeTimeoutMs = 2_000;

/** What the detector's tasks have counted over the whole run; what a process counted in its last second may be missing. */
export class DetectorCounters {
  readonly #system: Pick<LocalSystem, 'tasks'>;
  readonly #counters = new RunningCounters();

  constructor(system: Pick<LocalSystem, 'tasks'>) {
    this.#system = system;
  }

  async look(): Promise<void> {
    await Promise.all(
      this.#system.tasks('fraud-detector').map(async ({ id, port }) => {
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

  /** All series of these names, summed over tasks; by the values of `label` where one is given. */
  read(): Readonly<Record<CounterName, number>> {
    const sum = (name: string): number =>
      this.#system.tasks('fraud-detector').reduce((all, { id }) => all + this.#counters.sum(id, name), 0);
    return Object.fromEntries(counterNames.map((name) => [name, sum(name)])) as Record<CounterName, number>;
  }
}

/** What tells how a fault was met (services/lib/state, services/lib/rules/live). */
const counterNames = [
  'records_skipped',
  'fenced',
  'fenced_writes_refused',
  'snapshots_written',
  'snapshots_unusable',
  'state_rebuilt',
  'rules_switched',
  'rules_rejected',
] as const;
export type CounterName = (typeof counterNames)[number];

/** What was counted between two readings; zeros are left out. */
export function countedBetween(
  before: Readonly<Record<CounterName, number>>,
  after: Readonly<Record<CounterName, number>>,
): Partial<Record<CounterName, number>> {
  return Object.fromEntries(counterNames.map((name) => [name, after[name] - before[name]] as const).filter(([, n]) => n !== 0));
}
