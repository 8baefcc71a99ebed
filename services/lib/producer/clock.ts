/** Time as the producer needs it; tests bring their own. */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Runs `action` once after `ms`; the answer cancels it. */
  after(ms: number, action: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
