import { TakenSlots } from './taken-slots.ts';

const secondMs = 1_000;

/** How late a slot may be taken and still keep its beat: the pause between calls of one who makes the 5 a second that AWS allows. */
const latenessMs = 200;

/**
 * At most `capacity` units a second, as so many slots: a slot that was taken is to be had again one second later.
 *
 * AWS says "per second" and not of which second. Seconds of a fixed beginning let twice the limit pass around each boundary,
 * and a bucket that fills while idle lets it pass in the second after a pause. Slots let `capacity` pass in a second of any
 * beginning, so that what is never refused here would be refused by neither of those; a burst after a pause gets one second's
 * worth. A slot taken at most 200 ms late counts as taken on its beat: otherwise those who ask in lumps (500 records every
 * 166 ms, a poll every 200 ms) would lose the difference each time, and a shard give a tenth less than its limit. So the
 * bounds are: `capacity` in any 800 ms, and exactly `capacity` a second over time to whoever asks for more at least every 200 ms.
 *
 * Time is the sum of the clock's steps forward: a clock put back lets nothing more pass, and blocks nothing.
 */
export class Rate {
  readonly #capacity: number;
  /** Slots taken, grouped by the time they were taken for. A slot that is not in it has rested long enough to begin a new beat. */
  readonly #taken = new TakenSlots();
  #clockMs: number | undefined;
  #timeMs = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether `units` are to be had at `nowMs`. */
  allows(nowMs: number, units: number): boolean {
    return this.#free(nowMs, units) >= units;
  }

  /** How many units are to be had at `nowMs`. */
  free(nowMs: number): number {
    return this.#free(nowMs, Number.POSITIVE_INFINITY);
  }

  /** How long until more are, in ms; 0 when none is taken. */
  waitMs(nowMs: number): number {
    this.#advance(nowMs);
    for (let i = 0; i < this.#taken.groups; i++) {
      const dueMs = this.#taken.atMs(i) + secondMs;
      if (dueMs > this.#timeMs) return dueMs - this.#timeMs;
    }
    return 0;
  }

  /** Takes `units`; what is more than `allows` allows is taken from the seconds that follow. */
  take(nowMs: number, units: number): void {
    this.#advance(nowMs);
    const taken = this.#taken;
    let rest = units;
    while (rest > 0 && taken.groups > 0 && taken.atMs(0) + secondMs <= this.#timeMs) rest -= taken.moveFirst(rest, secondMs);
    const fresh = Math.min(rest, this.#capacity - taken.slots);
    if (fresh > 0) taken.add(this.#timeMs, fresh);
    rest -= fresh;
    while (rest > 0) rest -= taken.moveFirst(rest, secondMs);
  }

  /** Counts no further than to `enough`. */
  #free(nowMs: number, enough: number): number {
    this.#advance(nowMs);
    const taken = this.#taken;
    let free = this.#capacity - taken.slots;
    for (let i = 0; free < enough && i < taken.groups && taken.atMs(i) + secondMs <= this.#timeMs; i++) free += taken.slotsAt(i);
    return free;
  }

  #advance(nowMs: number): void {
    if (nowMs === this.#clockMs) return;
    this.#timeMs += Math.max(0, nowMs - (this.#clockMs ?? nowMs));
    this.#clockMs = nowMs;
    const taken = this.#taken;
    while (taken.groups > 0 && taken.atMs(0) + secondMs + latenessMs < this.#timeMs) taken.dropFirst();
  }
}
