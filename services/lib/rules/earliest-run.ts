import { none } from '../windows/tables/event-slab.ts';

/** Entries in time order, and a new event's place among them: behind `before`, in front of `after`. */
export interface Timeline {
  readonly eventTime: number;
  readonly before: number;
  readonly after: number;
  /** The first time that is visible. */
  readonly floor: number;
  older(node: number): number;
  newer(node: number): number;
  timeOf(node: number): number;
}

/** A run around the new event: so many entries before it, so many behind it. */
export interface Run {
  older: number;
  newer: number;
  /** Time of the newest of the run, epoch ms. */
  at: number;
}

/** Finds the earliest run of `length` neighbours, the new event among them, that spans at most `withinMs`; false when there is none. */
export function findEarliestRun(line: Timeline, length: number, withinMs: number, run: Run): boolean {
  const { eventTime } = line;
  const earliest = Math.max(eventTime - withinMs, line.floor);
  let first = none; // none stands for the event itself
  let older = 0;
  for (let node = line.before; older < length - 1 && node !== none && line.timeOf(node) >= earliest; node = line.older(node)) {
    first = node;
    older++;
  }
  let last = none;
  let newer = 0;
  for (; older + newer < length - 1; newer++) {
    last = newer === 0 ? line.after : line.newer(last);
    if (last === none) return false;
  }
  for (;;) {
    const firstTime = older === 0 ? eventTime : line.timeOf(first);
    const lastTime = newer === 0 ? eventTime : line.timeOf(last);
    if (lastTime - firstTime <= withinMs) {
      run.older = older;
      run.newer = newer;
      run.at = lastTime;
      return true;
    }
    if (older === 0) return false;
    older--;
    first = older === 0 ? none : line.newer(first);
    last = newer === 0 ? line.after : line.newer(last);
    if (last === none) return false;
    newer++;
  }
}
