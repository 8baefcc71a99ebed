/** Counts per name in bounded memory. */
export interface TopEntry {
  readonly name: string;
  readonly count: number;
}

/**
 * The most frequent names of an endless series ("space saving", Metwally et al. 2005): exact while there are at most `capacity` different
 * names; beyond, a new name takes the place and the count of the rarest, so counts are upper bounds and frequent names are never missed.
 */
export class TopTally {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();
  #exact = true;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isExact(): boolean {
    return this.#exact;
  }

  add(name: string): void {
    const known = this.#counts.get(name);
    if (known !== undefined || this.#counts.size < this.#capacity) {
      this.#counts.set(name, (known ?? 0) + 1);
      return;
    }
    this.#exact = false;
    let rarest = '';
    let fewest = Number.POSITIVE_INFINITY;
    for (const [other, count] of this.#counts) {
      if (count >= fewest) continue;
      rarest = other;
      fewest = count;
    }
    this.#counts.delete(rarest);
    this.#counts.set(name, fewest + 1);
  }

  /** Most first; ties by name. */
  top(length: number): TopEntry[] {
    const entries = [...this.#counts].map(([name, count]) => ({ name, count }));
    return entries.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, length);
  }
}
