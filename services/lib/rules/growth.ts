/** Says when a map is worth sweeping: at twice what the last sweep left, so that sweeping costs a constant per entry added. */
export class Growth {
  readonly #smallest: number;
  #sweepAt: number;

  constructor(smallest: number) {
    this.#smallest = smallest;
    this.#sweepAt = smallest;
  }

  due(size: number): boolean {
    return size >= this.#sweepAt;
  }

  swept(size: number): void {
    this.#sweepAt = Math.max(this.#smallest, size * 2);
  }
}
