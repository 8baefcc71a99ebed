import { globalWindow, type TimeWindow } from '../time-window.ts';
import { NeverTrigger } from '../triggers/never.ts';
import type { WindowAssigner } from './assigner.ts';

const all: readonly TimeWindow[] = [globalWindow];

/** All records of a key in one window that never ends. It fires only with a trigger of your own; no record is ever late for it. */
export class GlobalWindows implements WindowAssigner {
  readonly defaultTrigger = new NeverTrigger();

  assign(): readonly TimeWindow[] {
    return all;
  }
}
