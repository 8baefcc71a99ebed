/** Slices that the time a rule looks back over is counted in. */
const slices = 64;

/**
 * How many events a rule retains, by coarse slices of their time, so that a bound on all of them can drop the oldest times first.
 * It depends on the events alone, never on when memory is swept: a slice that the rule's reach has begun to leave counts no more.
 */
export class TimeSlices {
  readonly #widthMs: number;
  readonly #counts = new Map<number, { events: number }>();
  /** Of the slice added to last: most events lie in one slice with the one before. */
  #last = { slice: Number.NaN, count: { events: 0 } };
  #total = 0;
  /** The last slice that does not count. */
  #passed = Number.NEGATIVE_INFINITY;

  /** `spanMs`: from the oldest event that can matter to the newest there can be. */
  constructor(spanMs: number) {
    this.#widthMs = Math.max(1, Math.ceil(spanMs / slices));
  }

  add(time: number, change: 1 | -1): void {
    const slice = Math.floor(time / this.#widthMs);
    if (slice <= this.#passed) return;
    if (slice !== this.#last.slice) this.#last = { slice, count: this.#countOf(slice) };
    this.#last.count.events += change;
    this.#total += change;
  }

  /** Nothing before `time` matters any more. */
  pass(time: number): void {
    const slice = Math.floor(time / this.#widthMs);
    if (slice <= this.#passed) return;
    this.#passed = slice;
    for (const [index, { events }] of this.#counts) {
      if (index > slice) continue;
      this.#counts.delete(index);
      this.#total -= events;
    }
  }

  /** Drops the oldest slices until no more than `max` events are left. The new floor: the first time that was not dropped. */
  limit(max: number): { readonly dropped: number; readonly floor: number } | undefined {
    if (this.#total <= max) return undefined;
    const before = this.#total;
    while (this.#total > max) this.pass(Math.min(...this.#counts.keys()) * this.#widthMs);
    return { dropped: before - this.#total, floor: (this.#passed + 1) * this.#widthMs };
  }

  #countOf(slice: number): { events: number } {
    let count = this.#counts.get(slice);
    if (count === undefined) this.#counts.set(slice, (count = { events: 0 }));
    return count;
  }
}
