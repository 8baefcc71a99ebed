export interface FreshnessSettings {
  /** Pause between two reads of a shard. */
  readonly readMs: number;
  /** Age of the oldest row when its file is staged. */
  readonly flushMs: number;
  /** From the end of one commit to the begin of the next. */
  readonly commitIntervalMs: number;
  /** One load transaction. */
  readonly commitMs: number;
  /** How often the committer looks whether its interval is over. */
  readonly lookMs: number;
}

/**
 * How long an event waits until it can be queried, ms, as the worst and as a 95th percentile: waits for the read, for its file and for the
 * next commit are each evenly spread and independent, the commit takes what it takes. A file that just misses a commit waits for that
 * commit, the interval and a look.
 */
export function modelledFreshness({ readMs, flushMs, commitIntervalMs, commitMs, lookMs }: FreshnessSettings): {
  readonly worstMs: number;
  readonly p95Ms: number;
} {
  const waits = [readMs, flushMs, commitMs + commitIntervalMs + lookMs];
  return { worstMs: waits.reduce((a, b) => a + b, 0) + commitMs, p95Ms: quantileOfSum(waits, 0.95) + commitMs };
}

const gridMs = 50;

/** Of a sum of independent waits, each evenly spread from 0 to its longest; by adding up their distributions on a grid. */
export function quantileOfSum(longest: readonly number[], q: number): number {
  let density: number[] = [1];
  for (const most of longest) {
    const steps = Math.max(1, Math.round(most / gridMs));
    const sum = Array.from({ length: density.length + steps - 1 }, () => 0);
    let window = 0;
    for (let i = 0; i < sum.length; i++) {
      window += (density[i] ?? 0) - (density[i - steps] ?? 0);
      sum[i] = window / steps;
    }
    density = sum;
  }
  let below = 0;
  const at = density.findIndex((share) => {
    below += share;
    return below >= q;
  });
  return at * gridMs;
}
