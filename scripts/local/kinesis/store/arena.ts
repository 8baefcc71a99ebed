import { Slab, slabBytes } from './slab.ts';

/** What the arena may take memory back from: the records of one shard. */
export interface SlabOwner {
  /** Arrival of the newest record in the oldest slab (epoch ms), undefined when the owner holds none. */
  oldestSlabArrival(): number | undefined;
  /** Gives up the oldest slab with its records. */
  dropOldestSlab(): Slab;
}

/** Empty slabs kept for the next to need one; fresh memory costs its page faults again. */
const maxFree = 64;

/**
 * All slabs of one server, under one byte cap.
 *
 * At the cap the slab whose newest record is the oldest of the whole server is reused: the records in it are trimmed just as
 * the end of retention would trim them, and TRIM_HORIZON of that shard moves. Refusing writes instead would stop producers for
 * good, since nothing but retention frees space on a stream.
 */
export class SlabArena {
  readonly #maxSlabs: number;
  readonly #onTrim: () => void;
  readonly #owners = new Set<SlabOwner>();
  readonly #free: Slab[] = [];
  #slabs = 0;

  /** `maxBytes` counts whole slabs; it must hold at least one. */
  constructor(maxBytes: number, onTrim: () => void) {
    this.#maxSlabs = Math.floor(maxBytes / slabBytes);
    if (this.#maxSlabs < 1) throw new RangeError(`a byte cap of ${maxBytes} holds no slab: at least ${slabBytes} are needed`);
    this.#onTrim = onTrim;
  }

  take(owner: SlabOwner): Slab {
    this.#owners.add(owner);
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#slabs < this.#maxSlabs) {
      this.#slabs += 1;
      return new Slab();
    }
    const slab = this.#oldestOwner().dropOldestSlab();
    slab.clear();
    this.#onTrim();
    return slab;
  }

  /** Takes a slab that its owner needs no more. */
  giveBack(slab: Slab): void {
    slab.clear();
    if (this.#free.length < maxFree) this.#free.push(slab);
    else this.#slabs -= 1;
  }

  /** Takes everything back from an owner that is gone. */
  release(owner: SlabOwner): void {
    while (owner.oldestSlabArrival() !== undefined) this.giveBack(owner.dropOldestSlab());
    this.#owners.delete(owner);
  }

  #oldestOwner(): SlabOwner {
    let oldest: SlabOwner | undefined;
    let oldestArrival = Number.POSITIVE_INFINITY;
    for (const owner of this.#owners) {
      const arrival = owner.oldestSlabArrival();
      if (arrival === undefined || arrival >= oldestArrival) continue;
      oldest = owner;
      oldestArrival = arrival;
    }
    if (oldest === undefined) throw new Error('the arena is full, yet no owner holds a slab');
    return oldest;
  }
}
