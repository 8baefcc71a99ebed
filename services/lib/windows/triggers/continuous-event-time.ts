import type { Plain } from '../plain.ts';
import { savedTime } from '../state/saved.ts';
import { addTime, checkSpan } from '../time.ts';
import { windowStart } from '../time-window.ts';
import { fire, goOn, type Moment, type Trigger, type TriggerResult, type WindowTrigger } from './trigger.ts';

/**
 * Fires when the watermark reaches each multiple of `interval`, and at the window's end. The first multiple is the next one after the
 * time of the window's first record, so it may come before that of another key (Flink: ContinuousEventTimeTrigger). A watermark that
 * jumps over several multiples fires once for them: nothing came in between.
 */
export class ContinuousEventTimeTrigger implements Trigger<unknown> {
  readonly #interval: number;

  constructor(interval: number) {
    checkSpan('interval', interval, 1);
    this.#interval = interval;
  }

  open(saved: Plain = null): WindowTrigger<unknown> {
    return new WindowInterval(this.#interval, saved === null ? null : savedTime(saved));
  }
}

class WindowInterval implements WindowTrigger<unknown> {
  readonly #interval: number;
  /** Null before the first record. */
  #next: number | null;

  constructor(interval: number, next: number | null) {
    this.#interval = interval;
    this.#next = next;
  }

  onRecord(_value: unknown, timestamp: number, { window, watermark }: Moment): TriggerResult {
    if (window.maxTimestamp <= watermark) return fire;
    this.#next ??= addTime(windowStart(timestamp, 0, this.#interval), this.#interval);
    return goOn;
  }

  onTimer(time: number, { window, advancingTo }: Moment): TriggerResult {
    const due = this.#next !== null && this.#next <= time;
    if (due) this.#next = addTime(windowStart(advancingTo, 0, this.#interval), this.#interval);
    return due || time === window.maxTimestamp ? fire : goOn;
  }

  nextTimer({ window, watermark }: Moment): number | undefined {
    return window.maxTimestamp <= watermark ? undefined : Math.min(this.#next ?? window.maxTimestamp, window.maxTimestamp);
  }

  absorb(saved: Plain): void {
    const other = saved as number | null;
    if (other !== null) this.#next = this.#next === null ? other : Math.min(this.#next, other);
  }

  save(): Plain {
    return this.#next;
  }
}
