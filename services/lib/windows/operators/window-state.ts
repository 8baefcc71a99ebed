import type { Plain } from '../plain.ts';
import { misplaced, savedCount, savedFlag, savedList, savedTime } from '../state/saved.ts';
import { TimeWindow } from '../time-window.ts';
import type { Trigger, WindowTrigger } from '../triggers/trigger.ts';
import type { Contents } from './contents.ts';

/** What timers point to. A window that takes the place of others takes over the slot of the first, with the timer that is set. */
export interface TimerSlot<V, C> {
  /** Undefined: the window is gone. */
  state: WindowState<V, C> | undefined;
  /** The earliest timer that is set. */
  queuedAt: number | undefined;
}

/** One key's window: what is kept from its first record until its lateness has passed. */
export class WindowState<V, C> {
  readonly window: TimeWindow;
  readonly trigger: WindowTrigger<V>;
  /** Undefined: empty, because nothing came since a purge. */
  contents: C | undefined;
  /** Whether something came since the last pane. */
  changed = false;
  /** Of the next pane. */
  index = 0;
  nonSpeculativeIndex = 0;
  /** Its trigger is done: what still comes is dropped. */
  finished = false;
  /** A last pane was emitted. */
  closed = false;
  /** When the trigger asked to be asked. */
  timer: number | undefined;
  readonly slot: TimerSlot<V, C>;

  constructor(window: TimeWindow, trigger: WindowTrigger<V>, slot: TimerSlot<V, C> = { state: undefined, queuedAt: undefined }) {
    this.window = window;
    this.trigger = trigger;
    this.slot = slot;
    slot.state = this;
  }

  save(contents: Contents<V, C, unknown>): Plain {
    return [
      this.window.start,
      this.window.end,
      this.trigger.save(),
      this.contents === undefined ? null : [contents.save(this.contents)],
      this.timer ?? null,
      this.index,
      this.nonSpeculativeIndex,
      [this.changed, this.finished, this.closed],
    ];
  }

  static load<V, C>(saved: Plain, trigger: Trigger<V>, contents: Contents<V, C, unknown>): WindowState<V, C> {
    const [start, end, ofTrigger = null, ofContents = null, timer, index, nonSpeculativeIndex, flags] = savedList(saved, 8);
    const window = new TimeWindow(savedTime(start), savedTime(end));
    if (window.start >= window.end) throw misplaced(saved, 'a window that ends after its start');
    const state = new WindowState<V, C>(window, trigger.open(ofTrigger));
    if (ofContents !== null) state.contents = contents.load(savedList(ofContents, 1)[0] as Plain);
    if (timer !== null) state.timer = savedTime(timer);
    state.index = savedCount(index);
    state.nonSpeculativeIndex = savedCount(nonSpeculativeIndex);
    const [changed, finished, closed] = savedList(flags, 3);
    state.changed = savedFlag(changed);
    state.finished = savedFlag(finished);
    state.closed = savedFlag(closed);
    return state;
  }

  /** A window that takes the place of others, in their order. Its bounds are others, so its panes begin anew. */
  static merged<V, C>(
    window: TimeWindow,
    parts: readonly WindowState<V, C>[],
    trigger: Trigger<V>,
    contents: Contents<V, C, unknown>,
  ): WindowState<V, C> {
    const state = new WindowState<V, C>(window, trigger.open(), parts[0]?.slot);
    for (const part of parts) {
      state.trigger.absorb(part.trigger.save());
      if (part.contents !== undefined) {
        // The first as it is: a session that grows by one record must not copy all that it holds.
        state.contents = state.contents === undefined ? part.contents : contents.merge(state.contents, part.contents);
      }
      state.changed ||= part.changed;
    }
    state.finished = parts.length > 0 && parts.every((part) => part.finished);
    return state;
  }
}
