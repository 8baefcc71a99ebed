import { fire, goOn, type Moment, type Trigger, type WindowTrigger } from './trigger.ts';

const complete = ({ window, watermark }: Moment): boolean => window.maxTimestamp <= watermark;

/** It remembers nothing, so that one serves all windows. */
const windowTrigger: WindowTrigger<unknown> = {
  onRecord: (_value, _timestamp, moment) => (complete(moment) ? fire : goOn),
  onTimer: (time, { window }) => (time === window.maxTimestamp ? fire : goOn),
  nextTimer: (moment) => (complete(moment) ? undefined : moment.window.maxTimestamp),
  absorb: () => {},
  save: () => null,
};

/** Fires when the watermark has reached the window's last time, and again for every late record that is still allowed. */
export class EventTimeTrigger implements Trigger<unknown> {
  open(): WindowTrigger<unknown> {
    return windowTrigger;
  }
}
