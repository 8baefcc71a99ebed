import type { TimeWindow } from '../time-window.ts';
import type { Trigger } from '../triggers/trigger.ts';

/** Whether windows of which one begins exactly where the other ends become one. */
export type Touching = 'merge' | 'separate';

export interface AssignerContext {
  /** The key's windows that still have state. */
  openWindows(): Iterable<TimeWindow>;
}

/** Says which windows a record belongs to: none, one or several, ascending. */
export interface WindowAssigner {
  assign(timestamp: number, context: AssignerContext): readonly TimeWindow[];
  /** Used where an operator is given no trigger. */
  readonly defaultTrigger: Trigger<unknown>;
  /** Present: the key's windows that overlap are merged into one, as sessions are. */
  readonly merging?: Touching;
}
