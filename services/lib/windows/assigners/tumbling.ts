import { checkSpan, phaseOf } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { EventTimeTrigger } from '../triggers/event-time.ts';
import type { WindowAssigner } from './assigner.ts';
import { checkOffset, type OffsetConvention } from './offset.ts';

export interface TumblingOptions {
  readonly size: number;
  /** Moves every window's start. Default 0: windows start at the multiples of `size`. A calendar day in UTC+8 has −8 h. */
  readonly offset?: number;
  readonly offsets?: OffsetConvention;
}

/** Windows of one size, side by side: every record lies in exactly one. Starts may be negative. */
export class TumblingWindows implements WindowAssigner {
  readonly defaultTrigger = new EventTimeTrigger();
  readonly size: number;
  readonly offset: number;

  constructor({ size, offset = 0, offsets = 'either-sign' }: TumblingOptions) {
    checkSpan('size', size, 1);
    checkOffset(offset, size, offsets);
    this.size = size;
    this.offset = offset;
  }

  windowOf(timestamp: number): TimeWindow {
    return TimeWindow.behind(timestamp, phaseOf(timestamp, this.offset, this.size), this.size);
  }

  assign(timestamp: number): readonly TimeWindow[] {
    return [this.windowOf(timestamp)];
  }
}
