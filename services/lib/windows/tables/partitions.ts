import { finishHash } from './hash.ts';

/**
 * How both tables spread their rows: over partitions by the hash's highest bits, so that each grows or is swept on its own and no pause
 * is long; in a partition by the next bits, in the order of the hash, so that a partition is rebuilt by one pass over memory in order;
 * then by linear probing over one byte per slot, which holds six more bits of the hash.
 */
const occupied = 0x80;
/** Of a tag: the row needs no more care by the snapshot under way. */
export const settled = 0x40;
/** Of a tag: everything but `settled`. */
export const tagMask = 0xbf;

export const tagOf = (hash: number): number => occupied | (hash & 0x3f);

let tables = 0;

/**
 * Every table hashes in its own way. Otherwise rows that are read from one in its order and put into another, as at a restart, would
 * come in the order of their slots there: into a table that still grows they go one behind the other, in quadratic time.
 */
export const newSalt = (): number => finishHash(++tables);

/** A partition's memory: rows as words, the same as doubles, and a tag per row. */
export interface Rows {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly tags: Uint8Array;
}

/** Of a table: its rows, found by open addressing. */
export interface Partition {
  /** Rows as words, … */
  words: Int32Array;
  /** … the same memory as doubles, … */
  doubles: Float64Array;
  /** … and a tag per row; 0 where there is none. */
  tags: Uint8Array;
  capacity: number;
  rows: number;
  /** Rows at which it is rebuilt. */
  limit: number;
  /** Rebuilds so far. */
  generation: number;
  /** The walk under way has not finished it. */
  pending: boolean;
}

/** Partitions before their first row: each has one slot, which they share and which stays empty. `bits` as for `partitionOf`. */
export function emptyPartitions(bits: number, rowWords: number): readonly Partition[] {
  const words = new Int32Array(rowWords);
  const nothing = { words, doubles: new Float64Array(words.buffer), tags: new Uint8Array(1) };
  return Array.from({ length: 1 << bits }, () => ({ ...nothing, capacity: 1, rows: 0, limit: 0, generation: 0, pending: false }));
}

export const bytesOf = (partitions: readonly Partition[]): number =>
  partitions.reduce((sum, { words, tags }) => sum + words.byteLength + tags.byteLength, 0);

/** Puts rebuilt rows in place of a partition's. */
export function moveInto(partition: Partition, memory: Rows, rows: number): void {
  const capacity = memory.tags.length;
  Object.assign(partition, memory, { capacity, rows, limit: rowsAt(capacity) });
  partition.generation++;
}

/**
 * Memory for partitions that are rebuilt. What one leaves serves the next, as partitions of one table are of about one size: new
 * memory costs a page fault every 4 KiB, and hurries the collector.
 */
export class RowMemory {
  readonly #rowWords: number;
  #spare: Rows | undefined;

  constructor(rowWords: number) {
    this.#rowWords = rowWords;
  }

  /** Rows without tags, at least `capacity` and not many more. */
  take(capacity: number): Rows {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined && spare.tags.length >= capacity && spare.tags.length <= capacity * maxSpare) {
      spare.tags.fill(0);
      return spare;
    }
    const words = new Int32Array(capacity * this.#rowWords);
    return { words, doubles: new Float64Array(words.buffer), tags: new Uint8Array(capacity) };
  }

  /** Memory that nobody reads any more. */
  give({ words, doubles, tags }: Rows): void {
    this.#spare = { words, doubles, tags };
  }
}

/** A walk has done with the partition, or is given up. */
export function settle(partition: { readonly tags: Uint8Array; pending: boolean }): void {
  if (!partition.pending) return;
  partition.pending = false;
  const { tags } = partition;
  for (let slot = 0; slot < tags.length; slot++) tags[slot] = (tags[slot] as number) & tagMask;
}

/** `bits` = log2 of the number of partitions, at most 8. */
export const partitionOf = (hash: number, bits: number): number => (hash >>> 1) >>> (31 - bits);

export const slotOf = (hash: number, bits: number, capacity: number): number =>
  Math.floor(((hash << bits) >>> 0) * (capacity / 4_294_967_296));

/** A partition is rebuilt when it is this full, … */
const fullAt = 0.85;
/** … to this load, or more if that would make it no larger. Between the two, about five rows are moved per row added. */
const rebuiltTo = 0.7;
/** What is swept may stay where it is up to this load: the number of live rows is about the same each time, not quite. */
const sweptTo = 0.73;
const smallestCapacity = 4;

/** Memory left by another partition may be larger than needed by this factor. */
const maxSpare = 1.06;

const rowsAt = (capacity: number): number => Math.floor(capacity * fullAt);

/** Slots for `rows` rows and one more. */
export const capacityFor = (rows: number): number => Math.max(smallestCapacity, Math.ceil((rows + 1) / rebuiltTo));

/** So many rows may stay in memory of this capacity, neither too full nor much too large for them. */
export const fits = (rows: number, capacity: number): boolean => rows + 1 <= capacity * sweptTo && capacityFor(rows) * maxSpare >= capacity;

export const defaultPartitionBits = 6;
