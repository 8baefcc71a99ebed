import type { SlabArena, SlabOwner } from './arena.ts';
import { lowestWhere } from './search.ts';
import type { Slab } from './slab.ts';

/** Neighbouring records of a log: per slab the indices [from, to). Valid until the next append to, or read of, any log of the server. */
export interface Batch {
  readonly pieces: readonly { readonly slab: Slab; readonly from: number; readonly to: number }[];
  readonly count: number;
  /** Data and keys. */
  readonly bytes: number;
  /** Counter and arrival (epoch ms) of the first record behind the batch; undefined when the batch reaches the tip. */
  readonly next: { readonly counter: number; readonly arrivalMs: number } | undefined;
}

/** The records of one shard in order of their counters, in off-heap slabs; those older than the horizon are never seen again. */
export class RecordLog implements SlabOwner {
  readonly #arena: SlabArena;
  readonly #horizonMs: () => number;
  readonly #slabs: Slab[] = [];
  /** Nothing below has stayed. */
  #floor = 0;
  /** No record that has stayed arrived before; may be earlier than the oldest. */
  #oldestMs = Number.POSITIVE_INFINITY;

  /** `horizonMs` answers the epoch ms before whose arrival records have expired. */
  constructor(arena: SlabArena, horizonMs: () => number = () => Number.NEGATIVE_INFINITY) {
    this.#arena = arena;
    this.#horizonMs = horizonMs;
  }

  /** `counter` must exceed, and `arrivalMs` not precede, that of the record before. */
  append(counter: number, arrivalMs: number, key: string, keyBytes: number, data: Buffer, start: number, end: number): void {
    const tail = this.#slabs.at(-1);
    if (tail?.append(counter, arrivalMs, key, keyBytes, data, start, end)) return;
    const slab = this.#arena.take(this);
    this.#slabs.push(slab);
    if (arrivalMs < this.#oldestMs) this.#oldestMs = arrivalMs;
    if (!slab.append(counter, arrivalMs, key, keyBytes, data, start, end)) throw new RangeError('a record larger than a slab');
  }

  /** Records from the first with a counter ≥ `from`: at most `maxRecords`, at most `maxBytes` but for a single larger one. */
  read(from: number, maxRecords: number, maxBytes: number): Batch {
    this.trim();
    const position = Math.max(from, this.#floor);
    const pieces: { slab: Slab; from: number; to: number }[] = [];
    let count = 0;
    let bytes = 0;
    const first = lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastCounter >= position);
    for (let s = first; s < this.#slabs.length; s++) {
      const slab = this.#slabs[s] as Slab;
      const start = s === first ? lowestWhere(slab.count, (i) => slab.counterOf(i) >= position) : 0;
      let to = start;
      for (; to < slab.count; to++) {
        const offset = slab.offsetOf(to);
        const size = slab.dataLengthAt(offset) + slab.keyLengthAt(offset);
        if (count === maxRecords || (count > 0 && bytes + size > maxBytes)) break;
        count += 1;
        bytes += size;
      }
      if (to > start) pieces.push({ slab, from: start, to });
      if (to < slab.count) return { pieces, count, bytes, next: { counter: slab.counterOf(to), arrivalMs: slab.arrivalOf(to) } };
    }
    return { pieces, count, bytes, next: undefined };
  }

  /** Counter of the first record that arrived at or after `timeMs`; undefined when there is none. */
  firstArrivedFrom(timeMs: number): number | undefined {
    this.trim();
    const slab = this.#slabs[lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastArrival >= timeMs)];
    const counter = slab?.counterOf(lowestWhere(slab.count, (i) => slab.arrivalOf(i) >= timeMs));
    return counter === undefined ? undefined : Math.max(counter, this.#floor);
  }

  /** Forgets what has expired and gives whole slabs back; a compare when there is nothing to forget. */
  trim(): void {
    const horizonMs = this.#horizonMs();
    if (this.#oldestMs >= horizonMs) return;
    for (let slab = this.#slabs[0]; slab !== undefined && slab.lastArrival < horizonMs; slab = this.#slabs[0]) {
      this.#floor = slab.lastCounter + 1;
      this.#slabs.shift();
      this.#arena.giveBack(slab);
    }
    const slab = this.#slabs[0];
    const first = slab === undefined ? 0 : lowestWhere(slab.count, (i) => slab.arrivalOf(i) >= horizonMs);
    this.#floor = Math.max(this.#floor, slab?.counterOf(first) ?? 0);
    this.#oldestMs = slab?.arrivalOf(first) ?? Number.POSITIVE_INFINITY;
  }

  /** Counter of the record that lies `records` places before the first with a counter ≥ `position`, or of the oldest. */
  counterBefore(position: number, records: number): number {
    this.trim();
    let s = lowestWhere(this.#slabs.length, (i) => (this.#slabs[i] as Slab).lastCounter >= position);
    const at = this.#slabs[s];
    let before = at === undefined ? 0 : lowestWhere(at.count, (i) => at.counterOf(i) >= position);
    let left = records;
    for (; left > before && s > 0; s--) {
      left -= before;
      before = (this.#slabs[s - 1] as Slab).count;
    }
    const slab = this.#slabs[s];
    return slab === undefined ? position : Math.max(this.#floor, slab.counterOf(Math.max(0, before - left)));
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
