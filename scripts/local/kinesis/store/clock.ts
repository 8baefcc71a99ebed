/** Node's timers hold no longer wait (2^31 - 1 ms); a later time is looked at again then. */
const longestTimerMs = 2_147_483_647;

interface Due {
  readonly atMs: number;
  readonly action: () => void;
}

/** The server's time, and what is to be done at a time. A test stops it (a base that stands still) or moves it (`advance`). */
export class Clock {
  readonly #base: () => number;
  #offsetMs = 0;
  /** Earliest first; of equal times the one set first. */
  readonly #due: Due[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `base` answers epoch ms. */
  constructor(base: () => number = Date.now) {
    this.#base = base;
  }

  /** Epoch ms. */
  now(): number {
    return this.#base() + this.#offsetMs;
  }

  /** Moves the clock, and does at once, in their order, what has become due. `ms` may be negative. */
  advance(ms: number): void {
    this.#offsetMs += ms;
    this.#runDue();
  }

  /** Does `action` once the clock shows `atMs`, never within this call; the answer takes it back. */
  at(atMs: number, action: () => void): () => void {
    const due = { atMs, action };
    const behind = this.#due.findIndex((other) => other.atMs > atMs);
    this.#due.splice(behind < 0 ? this.#due.length : behind, 0, due);
    this.#arm();
    return () => {
      const index = this.#due.indexOf(due);
      if (index < 0) return;
      this.#due.splice(index, 1);
      this.#arm();
    };
  }

  after(ms: number, action: () => void): () => void {
    return this.at(this.now() + ms, action);
  }

  /** Forgets everything that is still due. */
  close(): void {
    this.#due.length = 0;
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const next = this.#due[0];
    if (next === undefined) return;
    const waitMs = Math.min(longestTimerMs, Math.max(1, next.atMs - this.now()));
    this.#timer = setTimeout(() => this.#runDue(), waitMs).unref();
  }

  #runDue(): void {
    for (let next = this.#due[0]; next !== undefined && next.atMs <= this.now(); next = this.#due[0]) {
      this.#due.shift();
      next.action();
    }
    this.#arm();
  }
}
