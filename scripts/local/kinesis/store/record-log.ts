import type { SlabArena, SlabOwner } from './arena.ts';
import { lowestWhere } from './search.ts';
import type { Slab } from './slab.ts';

/** Neighbouring records of a log: per slab the indices [from, to). Valid until the next append to any log of the server. */
export interface Batch {
  readonly pieces: readonly { readonly slab: Slab; readonly from: number; readonly to: number }[];
  readonly count: number;
  /** Data and keys. */
  readonly bytes: number;
  /** Counter and arrival (epoch ms) of the first record behind the batch; undefined when the batch reaches the tip. */
  readonly next: { readonly counter: number; readonly arrivalMs: number } | undefined;
}

/** The records of one shard in order of their counters, in off-heap slabs. */
export class RecordLog implements SlabOwner {
  readonly #arena: SlabArena;
  readonly #slabs: Slab[] = [];

  constructor(arena: SlabArena) {
    this.#arena = arena;
  }

  /** `counter` must exceed, and `arrivalMs` not precede, that of the record before. */
  append(counter: number, arrivalMs: number, key: string, keyBytes: number, data: Buffer, start: number, end: number): void {
    const tail = this.#slabs.at(-1);
    if (tail?.append(counter, arrivalMs, key, keyBytes, data, start, end)) return;
    const slab = this.#arena.take(this);
    this.#slabs.push(slab);
    if (!slab.append(counter, arrivalMs, key, keyBytes, data, start, end)) throw new RangeError('a record larger than a slab');
  }

  /** Records from the first with a counter ≥ `position`: at most `maxRecords`, at most `maxBytes` but for a single larger one. */
  read(position: number, maxRecords: number, maxBytes: number): Batch {
    const pieces: { slab: Slab; from: number; to: number }[] = [];
    let count = 0;
    let bytes = 0;
    const first = lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastCounter >= position);
    for (let s = first; s < this.#slabs.length; s++) {
      const slab = this.#slabs[s] as Slab;
      const from = s === first ? lowestWhere(slab.count, (i) => slab.counterOf(i) >= position) : 0;
      let to = from;
      for (; to < slab.count; to++) {
        const offset = slab.offsetOf(to);
        const size = slab.dataLengthAt(offset) + slab.keyLengthAt(offset);
        if (count === maxRecords || (count > 0 && bytes + size > maxBytes)) break;
        count += 1;
        bytes += size;
      }
      if (to > from) pieces.push({ slab, from, to });
      if (to < slab.count) return { pieces, count, bytes, next: { counter: slab.counterOf(to), arrivalMs: slab.arrivalOf(to) } };
    }
    return { pieces, count, bytes, next: undefined };
  }

  /** Counter of the first record that arrived at or after `timeMs`; undefined when there is none. */
  firstArrivedFrom(timeMs: number): number | undefined {
    const slab = this.#slabs[lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastArrival >= timeMs)];
    return slab?.counterOf(lowestWhere(slab.count, (i) => slab.arrivalOf(i) >= timeMs));
  }

  /** Counter of the record that lies `records` places before the first with a counter ≥ `position`, or of the oldest. */
  counterBefore(position: number, records: number): number {
    let s = lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastCounter >= position);
    const at = this.#slabs[s];
    let before = at === undefined ? 0 : lowestWhere(at.count, (i) => at.counterOf(i) >= position);
    let left = records;
    for (; left > before && s > 0; s--) {
      left -= before;
      before = (this.#slabs[s - 1] as Slab).count;
    }
    const slab = this.#slabs[s];
    return slab === undefined ? position : slab.counterOf(Math.max(0, before - left));
  }

  oldestSlabArrival(): number | undefined {
    return this.#slabs[0]?.lastArrival;
  }

  dropOldestSlab(): Slab {
    const slab = this.#slabs.shift();
    if (slab === undefined) throw new RangeError('no slab to drop');
    return slab;
  }

  /** Gives all memory back; the log is empty afterwards. */
  release(): void {
    this.#arena.release(this);
  }
}
