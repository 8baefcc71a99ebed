import { maxTime } from '../time.ts';
import type { Moment, TriggerResult } from '../triggers/trigger.ts';
import type { Contents } from './contents.ts';
import type { Pane, PaneRules, PaneTiming } from './pane.ts';
import type { WindowState } from './window-state.ts';

/** What made a trigger fire: a record that came after its window's end makes a late pane, even the first. */
export type Cause = 'record' | 'time';

/** Decides, by the rules, whether a firing becomes a pane, and what that says of itself. */
export class PaneMaker<V, R> {
  readonly #contents: Contents<V, unknown, R>;
  readonly #rules: PaneRules;

  constructor(contents: Contents<V, unknown, R>, rules: PaneRules) {
    this.#contents = contents;
    this.#rules = rules;
  }

  /** Does what a trigger said. `cleanupTime`: when the window is given up. */
  obey(
    key: string,
    state: WindowState<V, unknown>,
    moment: Moment,
    result: TriggerResult,
    cause: Cause,
    cleanupTime: number,
  ): Pane<R> | undefined {
    const pane = result.fire
      ? this.#fire(key, state, moment, cause, result.finish || nothingFollows(state, moment, cleanupTime))
      : undefined;
    if (result.purge || result.finish) state.contents = undefined;
    state.finished ||= result.finish;
    return pane;
  }

  /** The window is given up: its last pane, if the rules want one and none has been the last. */
  close(key: string, state: WindowState<V, unknown>, moment: Moment): Pane<R> | undefined {
    const { closing } = this.#rules;
    const news = state.changed && state.contents !== undefined;
    const wanted = closing === 'always' || (closing === 'if-changed' && news);
    return wanted && !state.finished && !state.closed ? this.#make(key, state, timingOf(state, moment, 'time'), true) : undefined;
  }

  #fire(key: string, state: WindowState<V, unknown>, moment: Moment, cause: Cause, last: boolean): Pane<R> | undefined {
    const timing = timingOf(state, moment, cause);
    const news = state.contents !== undefined && (state.changed || this.#rules.unchanged === 'emit');
    const wanted = news || (timing === 'ON_TIME' && this.#rules.onTime === 'always');
    return wanted ? this.#make(key, state, timing, last) : undefined;
  }

  #make(key: string, state: WindowState<V, unknown>, timing: PaneTiming, last: boolean): Pane<R> {
    const { value, left } = this.#contents.fire(state.contents ?? this.#contents.create());
    if (state.contents !== undefined) state.contents = this.#rules.mode === 'discarding' ? undefined : left;
    state.changed = false;
    state.closed = last;
    const index = state.index++;
    const nonSpeculativeIndex = timing === 'EARLY' ? -1 : state.nonSpeculativeIndex++;
    return { key, window: state.window, value, timing, first: index === 0, last, index, nonSpeculativeIndex };
  }
}

function timingOf<V>(state: WindowState<V, unknown>, { window, watermark }: Moment, cause: Cause): PaneTiming {
  if (watermark < window.maxTimestamp) return 'EARLY';
  return cause === 'record' || state.nonSpeculativeIndex > 0 ? 'LATE' : 'ON_TIME';
}

/** While the watermark jumps past the window's clean-up, the pane of its last timer is its last. */
function nothingFollows<V>(state: WindowState<V, unknown>, moment: Moment, cleanupTime: number): boolean {
  return cleanupTime <= moment.advancingTo && (state.trigger.nextTimer(moment) ?? maxTime) > cleanupTime;
}
