const minuteMs = 60_000;

/** At most `perMinute` in a minute, which begins with the first one; times are epoch ms. */
export class PublishBudget {
  readonly #perMinute: number;
  #from = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  left(now: number): number {
    return now - this.#from >= minuteMs ? this.#perMinute : this.#perMinute - this.#used;
  }

  /** False when the minute's are used up. */
  take(now: number): boolean {
    if (this.left(now) <= 0) return false;
    if (now - this.#from >= minuteMs) {
      this.#from = now;
      this.#used = 0;
    }
    this.#used++;
    return true;
  }
}
