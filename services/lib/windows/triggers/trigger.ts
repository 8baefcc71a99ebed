import type { Plain } from '../plain.ts';
import type { TimeWindow } from '../time-window.ts';

export interface TriggerResult {
  /** Emit a pane. */
  readonly fire: boolean;
  /** Drop the window's contents; the window itself and its trigger stay. */
  readonly purge: boolean;
  /** The window is done: its contents go, and records that still come for it are dropped. */
  readonly finish: boolean;
}

export const goOn: TriggerResult = { fire: false, purge: false, finish: false };
export const fire: TriggerResult = { fire: true, purge: false, finish: false };
export const purge: TriggerResult = { fire: false, purge: true, finish: false };
export const fireAndPurge: TriggerResult = { fire: true, purge: true, finish: false };
export const fireAndFinish: TriggerResult = { fire: true, purge: false, finish: true };

/** Where a trigger stands. */
export interface Moment {
  readonly window: TimeWindow;
  /** As far as time has passed for the key: at a timer the time that was asked for, else the watermark. */
  readonly watermark: number;
  /** What the watermark is advancing to; later than `watermark` while it jumps over several timers. No record comes in between. */
  readonly advancingTo: number;
}

/** Decides when windows emit. Immutable: what it remembers of one window is in the WindowTrigger that it opens. */
export interface Trigger<in V> {
  /** For a new window, or with what `save` gave for one that is restored. */
  open(saved?: Plain): WindowTrigger<V>;
}

/** The trigger of one key's window. It asks for time by `nextTimer`; there is nothing to register or to delete. */
export interface WindowTrigger<in V> {
  onRecord(value: V, timestamp: number, moment: Moment): TriggerResult;
  /** Time has passed a time that this trigger, or another one of the same window, asked for. */
  onTimer(time: number, moment: Moment): TriggerResult;
  /**
   * When it wants to be asked next; undefined: not. Called after every other method; after onTimer(t) it must be later than t.
   */
  nextTimer(moment: Moment): number | undefined;
  /** Windows were merged: takes over what another one's trigger has saved. `onRecord` for the record that merged them follows. */
  absorb(saved: Plain): void;
  save(): Plain;
}
