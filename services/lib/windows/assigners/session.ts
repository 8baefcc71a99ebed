import { addTime, checkSpan } from '../time.ts';
import { TimeWindow } from '../time-window.ts';
import { EventTimeTrigger } from '../triggers/event-time.ts';
import type { Touching, WindowAssigner } from './assigner.ts';

/**
 * Where systems disagree about a session:
 *  - `touching-merges` (Flink): records exactly one gap apart are one session, told as [first, last + gap). It closes at a watermark of
 *    last + gap − 1, so a record at last + gap extends it only when it comes before that.
 *  - `gap-exclusive` (Beam): records exactly one gap apart are two sessions, told as [first, last + gap).
 *  - `inclusive-bounds` (Kafka, Bytewax): one session, told as [first, last], both ends included. It closes when the watermark has
 *    reached last + gap.
 */
export type SessionConvention = 'touching-merges' | 'gap-exclusive' | 'inclusive-bounds';

export interface SessionOptions {
  readonly gap: number;
  readonly convention?: SessionConvention;
}

/** Runs of a key's records with less than (or at most, see the convention) a gap between neighbours. Default convention: Flink's. */
export class SessionWindows implements WindowAssigner {
  readonly defaultTrigger = new EventTimeTrigger();
  readonly merging: Touching;
  readonly #span: number;
  readonly #convention: SessionConvention;

  constructor({ gap, convention = 'touching-merges' }: SessionOptions) {
    checkSpan('gap', gap, 1);
    this.#convention = convention;
    this.merging = convention === 'touching-merges' ? 'merge' : 'separate';
    // At most a gap apart is less than gap + 1 apart: whole times.
    this.#span = convention === 'inclusive-bounds' ? gap + 1 : gap;
  }

  /** The session of one record, before it is merged with others. */
  assign(timestamp: number): readonly TimeWindow[] {
    return [new TimeWindow(timestamp, addTime(timestamp, this.#span))];
  }

  /** A session's bounds as the convention tells them. */
  boundsOf(session: TimeWindow): readonly [number, number] {
    if (this.#convention !== 'inclusive-bounds') return [session.start, session.end];
    // A session at the end of time is cut there, so its last record is not known.
    return [session.start, Math.max(session.start, addTime(session.end, -this.#span))];
  }
}
