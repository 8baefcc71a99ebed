import type { TimeWindow } from '../time-window.ts';

/** Before the watermark has reached the window's end, the first one then, and all that follow. */
export type PaneTiming = 'EARLY' | 'ON_TIME' | 'LATE';

/**
 * One result of one key's window. (key, window, index) tells it from every other: an idempotent sink stores it under these. A session
 * that has grown is another window; the panes of its parts are not taken back.
 */
export interface Pane<R> {
  readonly key: string;
  readonly window: TimeWindow;
  readonly value: R;
  readonly timing: PaneTiming;
  readonly first: boolean;
  /** No other can follow. False says nothing: a window that is closed without a pane tells nobody. */
  readonly last: boolean;
  /** 0 for the first. */
  readonly index: number;
  /** The same without EARLY panes; −1 for those. */
  readonly nonSpeculativeIndex: number;
}

/** What a pane holds and when one without news is emitted. */
export interface PaneRules {
  /** `accumulating`: all of the window so far; `discarding`: what came since the pane before. */
  readonly mode: 'accumulating' | 'discarding';
  /** A firing with nothing new since the pane before. */
  readonly unchanged: 'emit' | 'skip';
  /** The ON_TIME pane of a window with nothing (new) in it. */
  readonly onTime: 'always' | 'if-changed';
  /** One more pane when the window's state is given up, if none has been the last. */
  readonly closing: 'never' | 'always' | 'if-changed';
}

/** Flink: a pane for every firing of a window that is not empty, none at its end. */
export const flinkPanes: PaneRules = { mode: 'accumulating', unchanged: 'emit', onTime: 'if-changed', closing: 'never' };

/** Beam: panes with news, an ON_TIME pane always, and a last one when there is news left or, if `closing` is always, in any case. */
export const beamPanes = (mode: PaneRules['mode'], closing: PaneRules['closing'] = 'if-changed'): PaneRules => ({
  mode,
  unchanged: 'skip',
  onTime: 'always',
  closing,
});
