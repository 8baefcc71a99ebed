/** Hours; Increase/DecreaseStreamRetentionPeriod, API reference. */
export const minRetentionHours = 24;
export const maxRetentionHours = 8_760;
const hourMs = 3_600_000;

/** How far back a stream reaches. What has expired stays expired when the period is raised later (IncreaseStreamRetentionPeriod). */
export class Retention {
  readonly #now: () => number;
  #hours = minRetentionHours;
  #floorMs = Number.NEGATIVE_INFINITY;

  /** `now` answers epoch ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  get hours(): number {
    return this.#hours;
  }

  /** Epoch ms: what arrived before it has expired. */
  horizonMs(): number {
    return Math.max(this.#floorMs, this.#now() - this.#hours * hourMs);
  }

  change(hours: number): void {
    this.#floorMs = this.horizonMs();
    this.#hours = hours;
  }
}
