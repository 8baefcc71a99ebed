import { checkSpan, phaseOf } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { EventTimeTrigger } from '../triggers/event-time.ts';
import { WindowError } from '../window-error.ts';
import type { WindowAssigner } from './assigner.ts';
import { checkOffset, type OffsetConvention } from './offset.ts';

export interface HoppingOptions {
  readonly size: number;
  /** From one window's start to the next. It need not divide the size. */
  readonly slide: number;
  /** Moves every window's start. Default 0. */
  readonly offset?: number;
  readonly offsets?: OffsetConvention;
  /** slide > size leaves times that lie in no window: `allowed` (Flink, Beam; the default) or `rejected` (Kafka). */
  readonly gaps?: 'allowed' | 'rejected';
  /** Windows that start before time 0: `kept` (Flink, Beam; the default) or `left-out` (Kafka). */
  readonly negativeStarts?: 'kept' | 'left-out';
}

/** A record in more windows than this costs as many copies of its key's state: use slices, or a longer slide. */
const maxWindowsPerRecord = 100_000;

/** Windows of one size, one every `slide`: they overlap when the slide is shorter. Called sliding in Flink and Beam. */
export class HoppingWindows implements WindowAssigner {
  readonly defaultTrigger = new EventTimeTrigger();
  readonly size: number;
  readonly slide: number;
  readonly offset: number;
  readonly #leaveOutNegative: boolean;

  constructor({ size, slide, offset = 0, offsets = 'either-sign', gaps = 'allowed', negativeStarts = 'kept' }: HoppingOptions) {
    checkSpan('size', size, 1);
    checkSpan('slide', slide, 1);
    checkOffset(offset, slide, offsets);
    if (gaps === 'rejected' && slide > size) {
      throw new WindowError('PARAMETER_INVALID', `slide must not exceed size, got ${slide} > ${size}`);
    }
    if (size / slide > maxWindowsPerRecord) {
      throw new WindowError('PARAMETER_INVALID', `a record would lie in more than ${maxWindowsPerRecord} windows: ${size} / ${slide}`);
    }
    this.size = size;
    this.slide = slide;
    this.offset = offset;
    this.#leaveOutNegative = negativeStarts === 'left-out';
  }

  assign(timestamp: number): readonly TimeWindow[] {
    const windows: TimeWindow[] = [];
    for (let phase = phaseOf(timestamp, this.offset, this.slide); phase < this.size; phase += this.slide) {
      const window = TimeWindow.behind(timestamp, phase, this.size);
      if (this.#leaveOutNegative && window.start < 0) break;
      windows.push(window);
    }
    return windows.reverse();
  }
}
