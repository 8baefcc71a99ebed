import type { Plain } from '../plain.ts';
import type { Moment, Trigger, TriggerResult, WindowTrigger } from './trigger.ts';

/** Starts the trigger it is given anew whenever that is done: the window is never done by itself (Beam: Repeatedly.forever). */
export class RepeatTrigger<V> implements Trigger<V> {
  readonly #inner: Trigger<V>;

  constructor(inner: Trigger<V>) {
    this.#inner = inner;
  }

  open(saved?: Plain): WindowTrigger<V> {
    return new WindowRepeat(this.#inner, saved);
  }
}

class WindowRepeat<V> implements WindowTrigger<V> {
  readonly #trigger: Trigger<V>;
  #current: WindowTrigger<V>;

  constructor(trigger: Trigger<V>, saved: Plain | undefined) {
    this.#trigger = trigger;
    this.#current = trigger.open(saved);
  }

  onRecord(value: V, timestamp: number, moment: Moment): TriggerResult {
    return this.#again(this.#current.onRecord(value, timestamp, moment));
  }

  onTimer(time: number, moment: Moment): TriggerResult {
    return this.#again(this.#current.onTimer(time, moment));
  }

  nextTimer(moment: Moment): number | undefined {
    return this.#current.nextTimer(moment);
  }

  absorb(saved: Plain): void {
    this.#current.absorb(saved);
  }

  save(): Plain {
    return this.#current.save();
  }

  #again(result: TriggerResult): TriggerResult {
    if (!result.finish) return result;
    this.#current = this.#trigger.open();
    return { ...result, finish: false };
  }
}
