import { EventId } from './event-id.ts';
import { bucketOf } from './partitions.ts';

const idWords = 4;
/** With the two references. */
const rowWords = idWords + 2;
const linksAt = idWords;
const headsAt = idWords + 1;
const tagShift = 24;
/** Rows are numbered in the order in which they came, modulo 2^24; a ring cannot have more. */
const numberMask = (1 << tagShift) - 1;
/** A ring that must grow, or has much that is of no more use, is made anew with this much room. */
const roomFor = 1.25;
/** It is made smaller when for long the most rows it had would have fit so many times. */
const tooLarge = 4;
const smallestCapacity = 16;
/** Bits of the filter per row there is room for, at least. With twice as many ids marked as rows, one new id in eight is looked for. */
const filterBits = 16;
const maxMarks = 2;

/** An id and its time, epoch ms. There is one object for all ids: read it before the callback returns. */
export type VisitId = (id: EventId, time: number) => void;

/** Rows as they were at some moment, which later changes of the ring leave as they are. */
export interface IdRows {
  readonly count: number;
  /** Visits those from `first` up to `last`, which is not among them, that are not before `horizon`. */
  visit(first: number, last: number, horizon: number, visit: VisitId): void;
}

/**
 * Event ids with their times, in the order in which they came. Ids of one bucket form a chain from the newest to the oldest, and nothing
 * is ever taken out of a chain: it ends where it leads to a row that is in the ring no more. So an id is forgotten by moving the tail.
 *
 * A reference is the row's number with eight bits of its hash above. 34 to 36 bytes a row.
 */
export class IdRing {
  readonly #partitionBits: number;
  /** Rows of four words; then per row a reference to the next older one of its bucket; then per bucket one to its newest row. */
  #words = new Int32Array(rowWords);
  #times = new Float64Array(1);
  /** A bit is set for each row, and for some that are gone: most new ids are known to be new by it, and it is small. */
  #filter = new Int32Array(1);
  /** Rows marked since the filter was clear. */
  #marks = 0;
  /** Rows there is room for, and buckets. */
  #capacity = 0;
  #count = 0;
  /** The most rows since the filter was clear. */
  #peak = 0;
  /** Number of the oldest row, and where it lies. */
  #tail = 0;
  #tailAt = 0;

  /** `partitionBits`: so many of the highest bits are the same in the hashes of all ids. */
  constructor(partitionBits: number) {
    this.#partitionBits = partitionBits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#words.byteLength + this.#times.byteLength + this.#filter.byteLength;
  }

  /** Whether the id was added with a time not before `horizon`. */
  has(id: EventId, hash: number, horizon: number): boolean {
    const filter = this.#filter;
    const bit = filterBit(filter, hash);
    if ((((filter[bit >>> 5] as number) >>> bit) & 1) === 0) return false;
    const words = this.#words;
    const capacity = this.#capacity;
    const tail = this.#tail;
    let ref = words[headsAt * capacity + bucketOf(hash, this.#partitionBits, capacity)] as number;
    // Numbers come again after 2^24 rows, so only what leads further back is followed.
    for (let age = this.#count; rank(ref, tail) < age; ) {
      age = rank(ref, tail);
      const row = this.#rowAt(age);
      if (
        ref >>> tagShift === tagOf(hash) &&
        words[idWords * row] === id.a &&
        words[idWords * row + 1] === id.b &&
        words[idWords * row + 2] === id.c &&
        words[idWords * row + 3] === id.d &&
        (this.#times[row] as number) >= horizon
      ) {
        return true;
      }
      ref = words[linksAt * capacity + row] as number;
    }
    return false;
  }

  /** Adds an id that is not there. Those before `horizon` may be forgotten, unless it must keep all where they are. */
  add(id: EventId, hash: number, time: number, horizon: number, keep: boolean): void {
    if (!keep) this.#forget(horizon);
    if (this.#count === this.#capacity) {
      this.#rebuild(horizon);
    } else if (this.#marks >= this.#capacity * maxMarks) {
      if (this.#peak * tooLarge < this.#capacity) this.#rebuild(horizon);
      else this.#refilter();
    }
    this.#append(id, hash, time);
  }

  /** The rows as they are now. Until they were visited all that is added must keep what is there. */
  rows(): IdRows {
    const [words, times, capacity, tailAt] = [this.#words, this.#times, this.#capacity, this.#tailAt];
    return {
      count: this.#count,
      visit(first, last, horizon, visit) {
        for (let age = first; age < last; age++) {
          const row = placeOf(tailAt + age, capacity);
          const time = times[row] as number;
          if (time >= horizon) visit(readId(visited, words, row), time);
        }
      },
    };
  }

  /** Moves the tail over what is before the horizon. */
  #forget(horizon: number): void {
    const times = this.#times;
    const count = this.#count;
    let gone = 0;
    while (gone < count && (times[this.#rowAt(gone)] as number) < horizon) gone++;
    if (gone === 0) return;
    this.#tailAt = this.#rowAt(gone);
    this.#tail = (this.#tail + gone) & numberMask;
    this.#count = count - gone;
  }

  /** Moves what is not before the horizon to new memory. */
  #rebuild(horizon: number): void {
    const [words, times, tailAt, count, room] = [this.#words, this.#times, this.#tailAt, this.#count, this.#capacity];
    const most = this.#count === this.#capacity ? this.#since(horizon) : this.#peak;
    const capacity = Math.max(smallestCapacity, Math.ceil((most + 1) * roomFor));
    if (capacity > numberMask) throw new RangeError(`more than ${numberMask} event ids in one ring`);
    this.#words = new Int32Array(rowWords * capacity);
    this.#times = new Float64Array(capacity);
    this.#filter = new Int32Array(2 ** Math.ceil(Math.log2((capacity * filterBits) / 32)));
    this.#marks = 0;
    this.#capacity = capacity;
    this.#count = 0;
    this.#peak = 0;
    this.#tailAt = 0;
    for (let age = 0; age < count; age++) {
      const row = placeOf(tailAt + age, room);
      const time = times[row] as number;
      if (time < horizon) continue;
      readId(moved, words, row);
      this.#append(moved, moved.hash(), time);
    }
  }

  /** Rows not before the horizon. */
  #since(horizon: number): number {
    let count = 0;
    for (let age = 0; age < this.#count; age++) if ((this.#times[this.#rowAt(age)] as number) >= horizon) count++;
    return count;
  }

  /** Makes the filter of the rows there are. */
  #refilter(): void {
    const filter = this.#filter;
    filter.fill(0);
    for (let age = 0; age < this.#count; age++) mark(filter, readId(moved, this.#words, this.#rowAt(age)).hash());
    this.#marks = this.#count;
    this.#peak = this.#count;
  }

  #append(id: EventId, hash: number, time: number): void {
    const words = this.#words;
    const capacity = this.#capacity;
    const row = this.#rowAt(this.#count);
    const bucket = headsAt * capacity + bucketOf(hash, this.#partitionBits, capacity);
    words[linksAt * capacity + row] = words[bucket] as number;
    words[bucket] = ((this.#tail + this.#count) & numberMask) | (tagOf(hash) << tagShift);
    words[idWords * row] = id.a;
    words[idWords * row + 1] = id.b;
    words[idWords * row + 2] = id.c;
    words[idWords * row + 3] = id.d;
    this.#times[row] = time;
    mark(this.#filter, hash);
    this.#marks++;
    this.#count++;
    if (this.#count > this.#peak) this.#peak = this.#count;
  }

  /** Where the row lies that came so many after the oldest. */
  #rowAt(age: number): number {
    return placeOf(this.#tailAt + age, this.#capacity);
  }
}

/** What is visited may be added to another ring, which may then move its own. */
const visited = new EventId();
const moved = new EventId();

function readId(id: EventId, words: Int32Array, row: number): EventId {
  const at = idWords * row;
  return id.set(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number);
}

const placeOf = (at: number, capacity: number): number => (at < capacity ? at : at - capacity);

/** How many rows came between the oldest and the one referred to; of one that is in the ring no more it is not below their count. */
const rank = (ref: number, tail: number): number => (ref - tail) & numberMask;

const tagOf = (hash: number): number => hash & 0xff;

const filterBit = (filter: Int32Array, hash: number): number => hash & (filter.length * 32 - 1);

function mark(filter: Int32Array, hash: number): void {
  const bit = filterBit(filter, hash);
  filter[bit >>> 5] = (filter[bit >>> 5] as number) | (1 << bit);
}
