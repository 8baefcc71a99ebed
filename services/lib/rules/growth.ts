const smallestSweep = 1_024;

/** Says when a map is worth sweeping: at twice what the last sweep left, so that sweeping costs a constant per entry added. */
export class Growth {
  #sweepAt = smallestSweep;

  due(size: number): boolean {
    return size >= this.#sweepAt;
  }

  swept(size: number): void {
    this.#sweepAt = Math.max(smallestSweep, size * 2);
  }
}
