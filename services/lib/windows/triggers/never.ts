import { goOn, type Trigger, type WindowTrigger } from './trigger.ts';

const windowTrigger: WindowTrigger<unknown> = {
  onRecord: () => goOn,
  onTimer: () => goOn,
  nextTimer: () => undefined,
  absorb: () => {},
  save: () => null,
};

/** Never fires. */
export class NeverTrigger implements Trigger<unknown> {
  open(): WindowTrigger<unknown> {
    return windowTrigger;
  }
}
