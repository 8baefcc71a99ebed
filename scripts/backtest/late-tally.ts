import type { RuleTime } from '../../services/lib/rules/compile.ts';
import { counted, iso, number } from './words.ts';

/** From this share on, a warning says what may be the cause. */
const manyLate = 0.05;

interface Leap {
  /** Of the file, from 1. */
  readonly line: number;
  readonly occurredAt: number;
  readonly ms: number;
}

/** Counts late events, and keeps the one event that most likely made them late. */
export class LateTally {
  late = 0;
  /** disorder + lateness: after a step no longer than this, an event that occurred just before it is still in time. */
  readonly #toleratedMs: number;
  #leap: Leap | undefined;

  constructor({ disorderMs, latenessMs }: RuleTime) {
    this.#toleratedMs = disorderMs + latenessMs;
  }

  /** `latest`: occurredAt of the newest event before it, which the watermark follows; not finite where it is the first. Epoch ms. */
  used(occurredAt: number, latest: number, line: number): void {
    const ms = occurredAt - latest;
    if (Number.isFinite(ms) && ms > (this.#leap?.ms ?? this.#toleratedMs)) this.#leap = { line, occurredAt, ms };
  }

  /** Of so many events. */
  warnings(events: number): string[] {
    if (this.late <= events * manyLate) return [];
    const share = `${number(this.late)} of ${counted(events, 'event')} ${this.late === 1 ? 'is' : 'are'} late`;
    const leap = this.#leap;
    const wrongClock =
      leap === undefined
        ? ''
        : `; line ${number(leap.line)} (${iso(leap.occurredAt)}) is ${counted(leap.ms / 1_000, 'second')} ahead of all before it: is its clock right?`;
    return [`${share}: see --disorder, --lateness and docs/rules.md${wrongClock}`];
  }
}
