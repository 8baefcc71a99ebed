import { compareWindows, type TimeWindow } from '../time-window.ts';
import type { Touching } from './assigner.ts';

export interface Merged {
  readonly window: TimeWindow;
  /** The windows that were there and are now part of it, ascending. Empty: it is new. */
  readonly absorbed: readonly TimeWindow[];
}

const together = (a: TimeWindow, b: TimeWindow, touching: Touching): boolean => (touching === 'merge' ? a.touches(b) : a.overlaps(b));

/**
 * Adds a window to those of a key, of which no two belong together. One pass is enough: what belongs together with the result but not
 * with the added window would already belong together with what stretched the result.
 */
export function mergeInto(existing: Iterable<TimeWindow>, added: TimeWindow, touching: Touching): Merged {
  const absorbed = [...existing].filter((window) => together(window, added, touching)).sort(compareWindows);
  return { window: absorbed.reduce((whole, window) => whole.cover(window), added), absorbed };
}

/** True when adding the window changed more than the list of windows: it joined others, or made one larger (Flink: MergingWindowSet). */
export const hasMerged = ({ window, absorbed }: Merged): boolean =>
  absorbed.length > 1 || (absorbed.length === 1 && absorbed[0]?.equals(window) === false);

/** Merges any list of windows, ascending. */
export function mergeWindows(windows: Iterable<TimeWindow>, touching: Touching): TimeWindow[] {
  const merged: TimeWindow[] = [];
  for (const window of [...windows].sort(compareWindows)) {
    const last = merged.at(-1);
    if (last !== undefined && together(last, window, touching)) merged[merged.length - 1] = last.cover(window);
    else merged.push(window);
  }
  return merged;
}
