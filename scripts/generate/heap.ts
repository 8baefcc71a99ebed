/** A binary min-heap; equal keys leave in the order they came. */
export class Heap<T> {
  readonly #entries: { readonly key: number; readonly order: number; readonly item: T }[] = [];
  #pushed = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** Key of the first item; Infinity when empty. */
  get firstKey(): number {
    return this.#entries[0]?.key ?? Number.POSITIVE_INFINITY;
  }

  push(key: number, item: T): void {
    const entries = this.#entries;
    entries.push({ key, order: this.#pushed++, item });
    for (let i = entries.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!this.#before(i, parent)) return;
      this.#swap(i, parent);
      i = parent;
    }
  }

  pop(): T | undefined {
    const entries = this.#entries;
    const first = entries[0];
    const last = entries.pop();
    if (first === undefined || last === undefined || entries.length === 0) return first?.item;
    entries[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < entries.length && this.#before(child, least)) least = child;
      if (least === i) return first.item;
      this.#swap(i, least);
      i = least;
    }
  }

  #before(i: number, j: number): boolean {
    const a = this.#entries[i];
    const b = this.#entries[j];
    if (a === undefined || b === undefined) throw new RangeError('outside the heap');
    return a.key < b.key || (a.key === b.key && a.order < b.order);
  }

  #swap(i: number, j: number): void {
    const a = this.#entries[i];
    const b = this.#entries[j];
    if (a === undefined || b === undefined) throw new RangeError('outside the heap');
    this.#entries[i] = b;
    this.#entries[j] = a;
  }
}
