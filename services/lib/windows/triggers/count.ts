import type { Plain } from '../plain.ts';
import { savedCount } from '../state/saved.ts';
import { checkSpan } from '../time.ts';
import { fire, goOn, type Trigger, type TriggerResult, type WindowTrigger } from './trigger.ts';

/** Fires at every `atLeast` records of a window. Windows that merge bring their counts together. */
export class CountTrigger implements Trigger<unknown> {
  readonly #atLeast: number;

  constructor(atLeast: number) {
    checkSpan('atLeast', atLeast, 1);
    this.#atLeast = atLeast;
  }

  open(saved: Plain = 0): WindowTrigger<unknown> {
    return new WindowCount(this.#atLeast, savedCount(saved));
  }
}

class WindowCount implements WindowTrigger<unknown> {
  readonly #atLeast: number;
  #count: number;

  constructor(atLeast: number, count: number) {
    this.#atLeast = atLeast;
    this.#count = count;
  }

  onRecord(): TriggerResult {
    this.#count += 1;
    if (this.#count < this.#atLeast) return goOn;
    this.#count = 0;
    return fire;
  }

  onTimer(): TriggerResult {
    return goOn;
  }

  nextTimer(): undefined {
    return undefined;
  }

  absorb(saved: Plain): void {
    this.#count += saved as number;
  }

  save(): Plain {
    return this.#count;
  }
}
