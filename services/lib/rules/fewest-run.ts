import { none } from '../windows/tables/event-slab.ts';
import type { Run, Timeline } from './earliest-run.ts';

/** What a run must reach, kept up to date as the run changes. `none` stands for the new event. */
export interface RunTotal {
  readonly reached: boolean;
  clear(): void;
  add(node: number): void;
  remove(node: number): void;
}

/**
 * Finds the run of neighbours with the fewest events that contains the new one, spans at most `withinMs` and reaches the total; the
 * earliest on ties. False when there is none. Two pointers, from the shortest run that ends with the event, as one that begins earlier
 * has more events: while a run's first event moves on, its last never moves back.
 */
export function findFewestRun(line: Timeline, withinMs: number, total: RunTotal, run: Run): boolean {
  const { eventTime } = line;
  const earliest = Math.max(eventTime - withinMs, line.floor);
  let first = none; // none stands for the event itself
  let older = 0;
  total.clear();
  total.add(none);
  for (let node = line.before; !total.reached && node !== none && line.timeOf(node) >= earliest; node = line.older(node)) {
    total.add(node);
    first = node;
    older++;
  }
  let last = none;
  let newer = 0;
  let next = line.after;
  let fewest = Number.POSITIVE_INFINITY;
  for (;;) {
    const latest = (older === 0 ? eventTime : line.timeOf(first)) + withinMs;
    while (!total.reached && next !== none && line.timeOf(next) <= latest) {
      total.add(next);
      last = next;
      next = line.newer(next);
      newer++;
    }
    if (total.reached && older + newer < fewest) {
      fewest = older + newer;
      run.older = older;
      run.newer = newer;
      run.at = newer === 0 ? eventTime : line.timeOf(last);
    }
    if (older === 0 || (!total.reached && next === none)) return fewest < Number.POSITIVE_INFINITY;
    total.remove(first);
    older--;
    first = older === 0 ? none : line.newer(first);
  }
}
