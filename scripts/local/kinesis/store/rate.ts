const secondMs = 1_000;

/** How late a slot may be taken and still keep its beat: the pause between calls of one who makes the 5 a second that AWS allows. */
const latenessMs = 200;

/** Neighbouring slots that were taken for the same time. */
interface Taken {
  readonly atMs: number;
  slots: number;
}

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
  /** Earliest first; their times may lie ahead. A slot that is not in it has rested long enough to begin a new beat. */
  readonly #taken: Taken[] = [];
  #takenSlots = 0;
  #clockMs: number | undefined;
  #timeMs = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Whether `units` are to be had at `nowMs`. */
  allows(nowMs: number, units: number): boolean {
    this.#advance(nowMs);
    let free = this.#capacity - this.#takenSlots;
    for (const { atMs, slots } of this.#taken) {
      if (free >= units || atMs + secondMs > this.#timeMs) break;
      free += slots;
    }
    return free >= units;
  }

  /** How many units are to be had at `nowMs`. */
  free(nowMs: number): number {
    this.#advance(nowMs);
    let free = this.#capacity - this.#takenSlots;
    for (const { atMs, slots } of this.#taken) {
      if (atMs + secondMs > this.#timeMs) break;
      free += slots;
    }
    return free;
  }

  /** How long until more are, in ms; 0 when none is taken. */
  waitMs(nowMs: number): number {
    this.#advance(nowMs);
    const next = this.#taken.find(({ atMs }) => atMs + secondMs > this.#timeMs);
    return next === undefined ? 0 : next.atMs + secondMs - this.#timeMs;
  }

  /** Takes `units`; what is more than `allows` allows is taken from the seconds that follow. */
  take(nowMs: number, units: number): void {
    this.#advance(nowMs);
    let rest = units;
    for (let first = this.#taken[0]; rest > 0 && first !== undefined && first.atMs + secondMs <= this.#timeMs; first = this.#taken[0]) {
      rest -= this.#takeAgain(first, rest);
    }
    const fresh = Math.min(rest, this.#capacity - this.#takenSlots);
    if (fresh > 0) this.#add(this.#timeMs, fresh);
    rest -= fresh;
    while (rest > 0) rest -= this.#takeAgain(this.#taken[0] as Taken, rest);
  }

  /** Takes slots of the earliest group for one second later. */
  #takeAgain(first: Taken, wanted: number): number {
    const slots = Math.min(first.slots, wanted);
    first.slots -= slots;
    this.#takenSlots -= slots;
    if (first.slots === 0) this.#taken.shift();
    this.#add(first.atMs + secondMs, slots);
    return slots;
  }

  #add(atMs: number, slots: number): void {
    this.#takenSlots += slots;
    const last = this.#taken.at(-1);
    if (last?.atMs === atMs) last.slots += slots;
    else this.#taken.push({ atMs, slots });
  }

  #advance(nowMs: number): void {
    if (nowMs === this.#clockMs) return;
    this.#timeMs += Math.max(0, nowMs - (this.#clockMs ?? nowMs));
    this.#clockMs = nowMs;
    for (let first = this.#taken[0]; first && first.atMs + secondMs + latenessMs < this.#timeMs; first = this.#taken[0]) {
      this.#takenSlots -= first.slots;
      this.#taken.shift();
    }
  }
}
