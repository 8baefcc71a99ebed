import type { Plain } from '../plain.ts';
import type { Moment, Trigger, TriggerResult, WindowTrigger } from './trigger.ts';

/** Like the trigger it is given, but every firing also drops the window's contents. */
export class PurgingTrigger<V> implements Trigger<V> {
  readonly #inner: Trigger<V>;

  constructor(inner: Trigger<V>) {
    this.#inner = inner;
  }

  open(saved?: Plain): WindowTrigger<V> {
    const inner = this.#inner.open(saved);
    return {
      onRecord: (value, timestamp, moment: Moment) => purged(inner.onRecord(value, timestamp, moment)),
      onTimer: (time, moment) => purged(inner.onTimer(time, moment)),
      nextTimer: (moment) => inner.nextTimer(moment),
      absorb: (other) => inner.absorb(other),
      save: () => inner.save(),
    };
  }
}

const purged = (result: TriggerResult): TriggerResult => (result.fire ? { ...result, purge: true } : result);
