import { addTime, maxTime, minTime, phaseOf } from './time.ts';

/** [start, end): what happened at `end` lies in the next window. */
export class TimeWindow {
  readonly start: number;
  readonly end: number;

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** The window of `size` that starts `phase` before `time`, held at the extremes of time. */
  static behind(time: number, phase: number, size: number): TimeWindow {
    return new TimeWindow(addTime(time, -phase), addTime(time, size - phase));
  }

  /** The last time that lies in the window: it is complete when the watermark has reached it. */
  get maxTimestamp(): number {
    return addTime(this.end, -1);
  }

  contains(timestamp: number): boolean {
    return this.start <= timestamp && timestamp < this.end;
  }

  overlaps(other: TimeWindow): boolean {
    return this.start < other.end && other.start < this.end;
  }

  /** Also true when one begins where the other ends (Flink: TimeWindow.intersects). */
  touches(other: TimeWindow): boolean {
    return this.start <= other.end && other.start <= this.end;
  }

  /** The smallest window that holds both. */
  cover(other: TimeWindow): TimeWindow {
    return new TimeWindow(Math.min(this.start, other.start), Math.max(this.end, other.end));
  }

  equals(other: TimeWindow): boolean {
    return this.start === other.start && this.end === other.end;
  }

  /** Differs for any two windows that differ. */
  get id(): string {
    return `${this.start}/${this.end}`;
  }
}

/** The one window of all time: it never closes, and only a trigger other than the end of time makes it fire. */
export const globalWindow = new TimeWindow(minTime, maxTime);

export const compareWindows = (a: TimeWindow, b: TimeWindow): number => a.start - b.start || a.end - b.end;

/** Start of the tumbling window a time falls in. */
export const windowStart = (time: number, offset: number, size: number): number => addTime(time, -phaseOf(time, offset, size));
