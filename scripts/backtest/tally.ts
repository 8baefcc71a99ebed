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
  /** Names by their count, so that the rarest is found without a search: most names may be new ones. */
  readonly #names = new Map<number, Set<string>>();
  /** The lowest count there is. */
  #fewest = 0;
  #exact = true;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get isExact(): boolean {
    return this.#exact;
  }

  add(name: string): void {
    let count = this.#counts.get(name) ?? 0;
    if (count > 0) {
      this.#leave(name, count);
    } else if (this.#counts.size < this.#capacity) {
      this.#fewest = 1;
    } else {
      this.#exact = false;
      count = this.#fewest;
      const [rarest = ''] = this.#names.get(count) ?? [];
      this.#counts.delete(rarest);
      this.#leave(rarest, count);
    }
    count++;
    this.#counts.set(name, count);
    const names = this.#names.get(count);
    if (names === undefined) this.#names.set(count, new Set([name]));
    else names.add(name);
  }

  /** Most first; ties by name. */
  top(length: number): TopEntry[] {
    const entries = [...this.#counts].map(([name, count]) => ({ name, count }));
    return entries.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1)).slice(0, length);
  }

  /** Before a name with the next count comes. */
  #leave(name: string, count: number): void {
    const names = this.#names.get(count);
    names?.delete(name);
    if (names?.size !== 0) return;
    this.#names.delete(count);
    if (count === this.#fewest) this.#fewest++;
  }
}
