import { addTime, checkSpan } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { EventTimeTrigger } from '../triggers/event-time.ts';
import type { AssignerContext, WindowAssigner } from './assigner.ts';

export interface StaggerOptions {
  /** From a window's opening to its end. */
  readonly age: number;
}

/**
 * One window per key, opened by the key's first record and closed a fixed age later; the next record opens the next one. Keys do not
 * close all at once, and no minute is cut in two (Kinesis Data Analytics for SQL, by ROWTIME: give arrival as the record's time, and the
 * event's minute as part of the key). By event time a record older than the open window opens one of its own; where such windows
 * overlap, a record goes to the one that started first.
 */
export class StaggerWindows implements WindowAssigner {
  readonly defaultTrigger = new EventTimeTrigger();
  readonly #age: number;

  constructor({ age }: StaggerOptions) {
    checkSpan('age', age, 1);
    this.#age = age;
  }

  assign(timestamp: number, context: AssignerContext): readonly TimeWindow[] {
    let first: TimeWindow | undefined;
    for (const window of context.openWindows()) {
      if (window.contains(timestamp) && (first === undefined || window.start < first.start)) first = window;
    }
    return [first ?? new TimeWindow(timestamp, addTime(timestamp, this.#age))];
  }
}
