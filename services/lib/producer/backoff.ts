export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * Pause before retry number `attempt` (1 is the first), in ms: "full jitter" over an exponential that stops at the cap
 * (AWS architecture blog, "Exponential backoff and jitter"). `random` in [0, 1); at least half the base, so that no retry spins.
 */
export function backoffMs(attempt: number, limits: BackoffLimits, random: () => number): number {
  const ceiling = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(limits.baseMs / 2 + random() * (ceiling - limits.baseMs / 2));
}
