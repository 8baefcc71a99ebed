/** A binary heap: the least entry first. */
export class TimerQueue<T> {
  readonly #entries: T[] = [];
  readonly #compare: (a: T, b: T) => number;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  peek(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (this.#compare(entries[parent] as T, entry) <= 0) break;
      entries[at] = entries[parent] as T;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const least = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return least;
    let at = 0;
    for (let child = 1; child < entries.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < entries.length && this.#compare(entries[right] as T, entries[child] as T) < 0) child = right;
      if (this.#compare(last, entries[child] as T) <= 0) break;
      entries[at] = entries[child] as T;
      at = child;
    }
    entries[at] = last;
    return least;
  }
}

/** The order in which due windows are told: it depends on nothing else, so a restart cannot change it. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
