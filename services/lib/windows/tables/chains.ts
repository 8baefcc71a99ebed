import { bucketOf, partitionOf } from './partitions.ts';

/** No row. */
export const noRow = 0;

/** A reference is a row's number, and five bits of its hash above: most rows of other keys are passed without a look at them. */
const tagShift = 27;
const rowMask = (1 << tagShift) - 1;
/** Numbers of rows are at most this. */
export const maxRow = rowMask;

const chunkBits = 12;
const chunkRows = 1 << chunkBits;
/** A partition with as many rows as buckets gets so many times as many. */
const growth = 1.5;
const smallestBuckets = 8;

/** What a partition is before its first row. */
const nothing = new Int32Array(1);

interface Partition {
  /** Per bucket, a reference to its newest row. */
  heads: Int32Array;
  buckets: number;
  rows: number;
}

/** Finds numbered rows by their hash: rows of one bucket form a chain. 4 bytes a row, and 4 to 6 for its bucket. */
export class Chains {
  readonly #bits: number;
  readonly #partitions: readonly Partition[];
  /** Per row, a reference to the next one of its bucket. */
  readonly #links: Int32Array[] = [];

  constructor(partitionBits: number) {
    this.#bits = partitionBits;
    this.#partitions = Array.from({ length: 1 << partitionBits }, () => ({ heads: nothing, buckets: 0, rows: 0 }));
  }

  get bytes(): number {
    const heads = this.#partitions.reduce((sum, { heads }) => sum + heads.byteLength, 0);
    return heads + 4 * chunkRows * this.#links.length;
  }

  /** A row that may have this hash; noRow when there is none. */
  first(hash: number): number {
    const { heads, buckets } = this.#partitions[partitionOf(hash, this.#bits)] as Partition;
    return this.#pass(heads[bucketOf(hash, this.#bits, buckets)] as number, hash);
  }

  /** The next one behind a row. */
  next(row: number, hash: number): number {
    return this.#pass(this.#linkOf(row), hash);
  }

  /** `hashOf`: of any row added before. */
  add(row: number, hash: number, hashOf: (row: number) => number): void {
    const partition = this.#partitions[partitionOf(hash, this.#bits)] as Partition;
    if (partition.rows === partition.buckets) this.#grow(partition, hashOf);
    partition.rows++;
    while (this.#links.length <= row >>> chunkBits) this.#links.push(new Int32Array(chunkRows));
    this.#push(partition, row, hash);
  }

  remove(row: number, hash: number): void {
    const partition = this.#partitions[partitionOf(hash, this.#bits)] as Partition;
    const { heads, buckets } = partition;
    const bucket = bucketOf(hash, this.#bits, buckets);
    partition.rows--;
    const after = this.#linkOf(row);
    let ref = heads[bucket] as number;
    if ((ref & rowMask) === row) {
      heads[bucket] = after;
      return;
    }
    while ((this.#linkOf(ref & rowMask) & rowMask) !== row) ref = this.#linkOf(ref & rowMask);
    this.#setLink(ref & rowMask, after);
  }

  /** The first row from a reference on that has the hash's tag. */
  #pass(ref: number, hash: number): number {
    let at = ref;
    while (at !== noRow && at >>> tagShift !== tagOf(hash)) at = this.#linkOf(at & rowMask);
    return at & rowMask;
  }

  #push({ heads, buckets }: Partition, row: number, hash: number): void {
    const bucket = bucketOf(hash, this.#bits, buckets);
    this.#setLink(row, heads[bucket] as number);
    heads[bucket] = row | (tagOf(hash) << tagShift);
  }

  #grow(partition: Partition, hashOf: (row: number) => number): void {
    const { heads } = partition;
    partition.buckets = Math.max(smallestBuckets, Math.ceil(partition.buckets * growth));
    partition.heads = new Int32Array(partition.buckets);
    for (const head of heads) {
      for (let row = head & rowMask; row !== noRow; ) {
        const next = this.#linkOf(row) & rowMask;
        this.#push(partition, row, hashOf(row));
        row = next;
      }
    }
  }

  #linkOf(row: number): number {
    return (this.#links[row >>> chunkBits] as Int32Array)[row & (chunkRows - 1)] as number;
  }

  #setLink(row: number, ref: number): void {
    (this.#links[row >>> chunkBits] as Int32Array)[row & (chunkRows - 1)] = ref;
  }
}

const tagOf = (hash: number): number => hash & 0x1f;
