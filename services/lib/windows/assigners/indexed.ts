import { addTime, checkSpan, floorMod, recordTime } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { EventTimeTrigger } from '../triggers/event-time.ts';
import type { WindowAssigner } from './assigner.ts';
import { HoppingWindows } from './hopping.ts';

export interface IndexedOptions {
  readonly size: number;
  readonly slide: number;
  /** Start of window 0: any time. */
  readonly alignTo: number;
}

/** Hopping windows known by a number, negative before `alignTo`: window n is [alignTo + n·slide, alignTo + n·slide + size) (Bytewax). */
export class IndexedWindows implements WindowAssigner {
  readonly defaultTrigger = new EventTimeTrigger();
  readonly #windows: HoppingWindows;
  readonly #alignTo: number;

  constructor({ size, slide, alignTo }: IndexedOptions) {
    checkSpan('slide', slide, 1);
    this.#windows = new HoppingWindows({ size, slide, offset: floorMod(alignTo, slide) });
    this.#alignTo = recordTime(alignTo);
  }

  assign(timestamp: number): readonly TimeWindow[] {
    return this.#windows.assign(timestamp);
  }

  indexesOf(timestamp: number): number[] {
    return this.assign(timestamp).map(({ start }) => (start - this.#alignTo) / this.#windows.slide + 0);
  }

  window(index: number): TimeWindow {
    const start = addTime(this.#alignTo, index * this.#windows.slide);
    return new TimeWindow(start, addTime(start, this.#windows.size));
  }
}
