import type { Plain } from '../plain.ts';
import { savedList } from '../state/saved.ts';
import { WindowError } from '../window-error.ts';
import { goOn, type Moment, type Trigger, type TriggerResult, type WindowTrigger } from './trigger.ts';

/** Fires when the first of several triggers does, and then the window is done (Beam: AfterFirst). In a RepeatTrigger it starts anew. */
export class FirstOfTrigger<V> implements Trigger<V> {
  readonly #triggers: readonly Trigger<V>[];

  constructor(...triggers: readonly Trigger<V>[]) {
    if (triggers.length === 0) throw new WindowError('PARAMETER_INVALID', 'the first of no triggers never fires');
    this.#triggers = triggers;
  }

  open(saved?: Plain): WindowTrigger<V> {
    const states = saved === undefined ? undefined : savedList(saved, this.#triggers.length);
    return new WindowFirst(this.#triggers.map((trigger, i) => trigger.open(states?.[i])));
  }
}

class WindowFirst<V> implements WindowTrigger<V> {
  readonly #triggers: readonly WindowTrigger<V>[];

  constructor(triggers: readonly WindowTrigger<V>[]) {
    this.#triggers = triggers;
  }

  /** All are asked, for all must see the record. */
  onRecord(value: V, timestamp: number, moment: Moment): TriggerResult {
    return first(this.#triggers.map((trigger) => trigger.onRecord(value, timestamp, moment)));
  }

  onTimer(time: number, moment: Moment): TriggerResult {
    return first(this.#triggers.map((trigger) => trigger.onTimer(time, moment)));
  }

  nextTimer(moment: Moment): number | undefined {
    const wanted = this.#triggers.map((trigger) => trigger.nextTimer(moment)).filter((time) => time !== undefined);
    return wanted.length === 0 ? undefined : Math.min(...wanted);
  }

  absorb(saved: Plain): void {
    const states = saved as readonly Plain[];
    this.#triggers.forEach((trigger, i) => trigger.absorb(states[i] ?? null));
  }

  save(): Plain {
    return this.#triggers.map((trigger) => trigger.save());
  }
}

function first(results: readonly TriggerResult[]): TriggerResult {
  if (!results.some((result) => result.fire)) return results.some((result) => result.finish) ? { ...goOn, finish: true } : goOn;
  return { fire: true, purge: results.some((result) => result.purge), finish: true };
}
