import { EventId } from './event-id.ts';
import {
  bytesOf,
  capacityFor,
  defaultPartitionBits,
  emptyPartitions,
  fits,
  moveInto,
  newSalt,
  type Partition,
  partitionOf,
  RowMemory,
  settle,
  settled,
  slotOf,
  tagMask,
  tagOf,
} from './partitions.ts';

/** A row: the id's four words, then its time. */
const rowWords = 6;
const rowDoubles = 3;
const timeAt = 2;
/** Rows visited between two yields of a walk. */
const walkStep = 256;

/** The id's words and its time, epoch ms. */
export type VisitId = (a: number, b: number, c: number, d: number, time: number) => void;

/**
 * An exact set of 128-bit event ids, each with its time (epoch ms): 25 bytes a slot. An id is known while its time is not before the
 * horizon; when memory is swept has no effect. Rows never change, so an id that comes again beyond the horizon takes a second one.
 */
export class IdSet {
  readonly #bits: number;
  readonly #partitions: readonly Partition[];
  readonly #salt = newSalt();
  readonly #memory = new RowMemory(rowWords);
  #rows = 0;
  /** Where `has` stopped, for `add`. */
  #partition: Partition;
  #slot = 0;
  #hash = 0;
  #walkNumber = 0;
  #walkHorizon = Number.POSITIVE_INFINITY;

  constructor(partitionBits = defaultPartitionBits) {
    this.#bits = partitionBits;
    this.#partitions = emptyPartitions(partitionBits, rowWords);
    this.#partition = this.#partitions[0] as Partition;
  }

  /** Rows in memory; some may be beyond the horizon. */
  get size(): number {
    return this.#rows;
  }

  get bytes(): number {
    return bytesOf(this.#partitions);
  }

  /** Whether the id was added with a time not before `horizon`, which must never fall. */
  has(id: EventId, horizon: number): boolean {
    const hash = id.hash(this.#salt);
    const partition = this.#partitions[partitionOf(hash, this.#bits)] as Partition;
    const { words, doubles, tags, capacity } = partition;
    const wanted = tagOf(hash);
    let slot = slotOf(hash, this.#bits, capacity);
    let found = false;
    for (let tag = tags[slot] as number; tag !== 0; tag = tags[slot] as number) {
      const at = slot * rowWords;
      if (
        (tag & tagMask) === wanted &&
        words[at] === id.a &&
        words[at + 1] === id.b &&
        words[at + 2] === id.c &&
        words[at + 3] === id.d &&
        (doubles[slot * rowDoubles + timeAt] as number) >= horizon
      ) {
        found = true;
        break;
      }
      slot = slot + 1 === capacity ? 0 : slot + 1;
    }
    this.#partition = partition;
    this.#slot = slot;
    this.#hash = hash;
    return found;
  }

  /** Adds the id that `has` did not find just now. Ids older than `horizon` may be forgotten. */
  add(id: EventId, time: number, horizon: number): void {
    let partition = this.#partition;
    if (partition.rows >= partition.limit) {
      this.#rebuild(partition, Math.min(horizon, this.#walkHorizon));
      this.has(id, Number.POSITIVE_INFINITY);
      partition = this.#partition;
    }
    const slot = this.#slot;
    const at = slot * rowWords;
    partition.words[at] = id.a;
    partition.words[at + 1] = id.b;
    partition.words[at + 2] = id.c;
    partition.words[at + 3] = id.d;
    partition.doubles[slot * rowDoubles + timeAt] = time;
    partition.tags[slot] = tagOf(this.#hash) | (partition.pending ? settled : 0);
    partition.rows++;
    this.#rows++;
  }

  /** Visits every id not before `horizon`. */
  forEach(horizon: number, visit: VisitId): void {
    for (const partition of this.#partitions) {
      for (let slot = 0; slot < partition.capacity; slot++) if (holds(partition, slot, horizon)) visitRow(partition, slot, visit);
    }
  }

  /**
   * From here on `walk` sees the set as it is now, whatever is added meanwhile, and what is not before `horizon` stays for it.
   * A walk that was under way ends.
   */
  beginWalk(horizon: number): void {
    this.endWalk();
    this.#walkHorizon = horizon;
    for (const partition of this.#partitions) partition.pending = true;
  }

  /** Visits every id not before the horizon of `beginWalk`; a yield every few microseconds. */
  *walk(visit: VisitId): Generator<void> {
    const [horizon, walkNumber] = [this.#walkHorizon, this.#walkNumber];
    for (const partition of this.#partitions) {
      const found = { ...partition }; // a rebuild leaves this memory as it is
      for (let slot = 0; slot < found.capacity; slot++) {
        if (holds(found, slot, horizon) && ((found.tags[slot] as number) & settled) === 0) visitRow(found, slot, visit);
        if (slot % walkStep !== walkStep - 1) continue;
        yield;
        if (walkNumber !== this.#walkNumber) return;
      }
      settle(partition);
    }
  }

  endWalk(): void {
    this.#walkNumber++;
    this.#walkHorizon = Number.POSITIVE_INFINITY;
    this.#partitions.forEach(settle);
  }

  #rebuild(partition: Partition, horizon: number): void {
    const { words, doubles, tags, capacity } = partition;
    let kept = 0;
    for (let slot = 0; slot < capacity; slot++) if (holds(partition, slot, horizon)) kept++;
    this.#rows += kept - partition.rows;
    if (!partition.pending && fits(kept, capacity)) {
      this.#sweep(partition, horizon);
      partition.rows = kept;
      return;
    }

    const rows = this.#memory.take(capacityFor(kept));
    const { words: newWords, doubles: newDoubles, tags: newTags } = rows;
    const larger = newTags.length;
    for (let slot = 0; slot < capacity; slot++) {
      if (!holds(partition, slot, horizon)) continue;
      const from = slot * rowWords;
      movedId.a = words[from] as number;
      movedId.b = words[from + 1] as number;
      movedId.c = words[from + 2] as number;
      movedId.d = words[from + 3] as number;
      let to = slotOf(movedId.hash(this.#salt), this.#bits, larger);
      while (newTags[to] !== 0) to = to + 1 === larger ? 0 : to + 1;
      newTags[to] = tags[slot] as number;
      newWords[to * rowWords] = movedId.a;
      newWords[to * rowWords + 1] = movedId.b;
      newWords[to * rowWords + 2] = movedId.c;
      newWords[to * rowWords + 3] = movedId.d;
      newDoubles[to * rowDoubles + timeAt] = doubles[slot * rowDoubles + timeAt] as number;
    }
    if (!partition.pending) this.#memory.give(partition); // else a walk may be in it
    moveInto(partition, rows, kept);
  }

  /**
   * Takes out what is before the horizon, in the memory as it is. In the order of the slots from a free one on, a row that is put anew
   * never comes to lie behind where it was; behind no gap it stays as it is, and costs no hash.
   */
  #sweep({ words, doubles, tags, capacity }: Partition, horizon: number): void {
    let slot = tags.indexOf(0);
    let gap = false;
    for (let left = capacity; left > 0; left--) {
      const tag = tags[slot] as number;
      if (tag === 0) {
        gap = false;
      } else if ((doubles[slot * rowDoubles + timeAt] as number) < horizon) {
        tags[slot] = 0;
        gap = true;
      } else if (gap) {
        const from = slot * rowWords;
        movedId.a = words[from] as number;
        movedId.b = words[from + 1] as number;
        movedId.c = words[from + 2] as number;
        movedId.d = words[from + 3] as number;
        let to = slotOf(movedId.hash(this.#salt), this.#bits, capacity);
        while (to !== slot && tags[to] !== 0) to = to + 1 === capacity ? 0 : to + 1;
        if (to !== slot) {
          tags[slot] = 0;
          tags[to] = tag;
          words[to * rowWords] = movedId.a;
          words[to * rowWords + 1] = movedId.b;
          words[to * rowWords + 2] = movedId.c;
          words[to * rowWords + 3] = movedId.d;
          doubles[to * rowDoubles + timeAt] = doubles[slot * rowDoubles + timeAt] as number;
        }
      }
      slot = slot + 1 === capacity ? 0 : slot + 1;
    }
  }
}

const movedId = new EventId();

const holds = ({ tags, doubles }: Partition, slot: number, horizon: number): boolean =>
  tags[slot] !== 0 && (doubles[slot * rowDoubles + timeAt] as number) >= horizon;

function visitRow({ words, doubles }: Partition, slot: number, visit: VisitId): void {
  const at = slot * rowWords;
  visit(
    words[at] as number,
    words[at + 1] as number,
    words[at + 2] as number,
    words[at + 3] as number,
    doubles[slot * rowDoubles + timeAt] as number,
  );
}
