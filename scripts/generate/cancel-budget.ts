/**
 * Two cancellations a user within this time at most. Rules look at 10 minutes of occurredAt, and a fault can move
 * an occurredAt 20 minutes back or 10 ahead: two that end up within 10 minutes were written within 10 + 20 + 10.
 */
export const budgetSpanMs = 45 * 60_000;
const perSpan = 2;
const sweepEvery = 50_000;

/** Keeps honest users honest: who has cancelled twice lately makes a reservation instead. */
export class CancelBudget {
  readonly #recent = new Map<string, number[]>();
  #taken = 0;

  /** True, and counted, when the user may cancel at `at` (epoch ms, not falling from call to call). */
  take(userId: string, at: number): boolean {
    const recent = (this.#recent.get(userId) ?? []).filter((t) => at - t <= budgetSpanMs);
    if (recent.length >= perSpan) return false;
    recent.push(at);
    this.#recent.set(userId, recent);
    if (++this.#taken % sweepEvery === 0) this.#sweep(at);
    return true;
  }

  #sweep(at: number): void {
    for (const [userId, times] of this.#recent) if (times.every((t) => at - t > budgetSpanMs)) this.#recent.delete(userId);
  }
}
