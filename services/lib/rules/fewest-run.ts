import { none } from '../windows/tables/event-slab.ts';
import type { Run, Timeline } from './earliest-run.ts';

/** What a run must reach, kept up to date as the run changes. `none` stands for the new event. */
export interface RunTotal {
  readonly reached: boolean;
  clear(): void;
  add(node: number): void;
  remove(node: number): void;
}

/** Filled anew by each search. */
const nodes: number[] = [];
const times: number[] = [];

/**
 * Finds the run of neighbours with the fewest events that contains the new one, spans at most `withinMs` and reaches the total; the
 * earliest on ties. False when there is none. Two pointers: while a run's first event moves on, its last never moves back.
 */
export function findFewestRun(line: Timeline, withinMs: number, total: RunTotal, run: Run): boolean {
  const { eventTime } = line;
  nodes.length = 0;
  times.length = 0;
  const earliest = Math.max(eventTime - withinMs, line.floor);
  for (let node = line.before; node !== none && line.timeOf(node) >= earliest; node = line.older(node)) append(node, line.timeOf(node));
  nodes.reverse();
  times.reverse();
  const place = nodes.length;
  append(none, eventTime);
  for (let node = line.after; node !== none && line.timeOf(node) <= eventTime + withinMs; node = line.newer(node)) {
    append(node, line.timeOf(node));
  }

  total.clear();
  for (let i = 0; i < place; i++) total.add(nodes[i] as number);
  let last = place;
  total.add(none);
  let fewest = Number.POSITIVE_INFINITY;
  for (let first = 0; first <= place; first++) {
    const latest = (times[first] as number) + withinMs;
    while (!total.reached && last + 1 < nodes.length && (times[last + 1] as number) <= latest) total.add(nodes[++last] as number);
    if (total.reached && last - first + 1 < fewest) {
      fewest = last - first + 1;
      run.older = place - first;
      run.newer = last - place;
      run.at = times[last] as number;
    }
    total.remove(nodes[first] as number);
  }
  return fewest < Number.POSITIVE_INFINITY;
}

function append(node: number, time: number): void {
  nodes.push(node);
  times.push(time);
}
