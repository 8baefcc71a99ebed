import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock } from '../../../../services/lib/producer/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

/** Time that passes only when everything else has come to rest. */
export class VirtualClock implements Clock {
  #nowMs = 1_760_000_000_000;
  #timers: Timer[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass until `promise` settles, `limitMs` of it at most. */
  async until<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const state = { settled: false };
    const mark = (): void => {
      state.settled = true;
    };
    promise.then(mark, mark);
    const deadline = this.#nowMs + limitMs;
    for (await macrotask(); !state.settled; await macrotask()) {
      const [first, ...later] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (first === undefined || first.atMs > deadline)
        throw new Error(first ? `not settled within ${limitMs} ms` : 'nothing will ever happen');
      this.#timers = later;
      this.#nowMs = Math.max(this.#nowMs, first.atMs);
      first.action();
    }
    return promise;
  }
}

/** Seeded numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
