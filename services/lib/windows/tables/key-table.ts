import { finishHash } from './hash.ts';
import type { PackedKey } from './packed-key.ts';
import {
  bytesOf,
  capacityFor,
  defaultPartitionBits,
  emptyPartitions,
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

/**
 * A row of 64 bytes: hash, length of the key (`elsewhere` when it does not fit), newest node of its ring, nodes in the ring, lastAt
 * (two words), then the key, or its place in the list of keys that do not fit.
 */
const rowBits = 4;
const rowWords = 1 << rowBits;
const hashAt = 0;
const lengthAt = 1;
const headAt = 2;
const countAt = 3;
const lastAtDouble = 2;
const keyAt = 6;
const elsewhere = -1;

/**
 * Keys, each with the state one rule has of it. There is no object per key: a row is reached through the table's cursor, which `find`,
 * `insert` and the walks set, and which any change of the table by them makes void.
 */
export class KeyTable {
  readonly #bits: number;
  readonly #partitions: readonly Partition[];
  /** Keys that do not fit their row; freed places are in `#vacant`. */
  readonly #long: string[] = [];
  readonly #vacant: number[] = [];
  readonly #salt = newSalt();
  readonly #memory = new RowMemory(rowWords);
  #rows = 0;
  #partition: Partition;
  #slot = 0;
  readonly #hand = { partition: 0, slot: 0 };
  #walkNumber = 0;

  constructor(partitionBits = defaultPartitionBits) {
    this.#bits = partitionBits;
    this.#partitions = emptyPartitions(partitionBits, rowWords);
    this.#partition = this.#partitions[0] as Partition;
  }

  get size(): number {
    return this.#rows;
  }

  get bytes(): number {
    return bytesOf(this.#partitions);
  }

  /** Sets the cursor to the key's row, or to where it would be. */
  find(key: PackedKey): boolean {
    const hash = finishHash(key.hash ^ this.#salt);
    const partition = this.#partitions[partitionOf(hash, this.#bits)] as Partition;
    const { words, tags, capacity } = partition;
    const wanted = tagOf(hash);
    let slot = slotOf(hash, this.#bits, capacity);
    let found = false;
    for (let tag = tags[slot] as number; tag !== 0; tag = tags[slot] as number) {
      if ((tag & tagMask) === wanted && this.#isKey(words, slot << rowBits, key)) {
        found = true;
        break;
      }
      slot = slot + 1 === capacity ? 0 : slot + 1;
    }
    this.#partition = partition;
    this.#slot = slot;
    return found;
  }

  /**
   * Adds the key that `find` did not find just now, and sets the cursor to its row: no nodes, lastAt -Infinity. When its partition is
   * full, rows for which `keep` is false are dropped first; `keep` is asked with the cursor on the row and must not change the table.
   */
  insert(key: PackedKey, keep: () => boolean): void {
    if (this.#partition.rows >= this.#partition.limit) {
      this.#rebuild(this.#partition, keep);
      this.find(key);
    }
    const partition = this.#partition;
    const at = this.#slot << rowBits;
    const { words } = partition;
    words[at + hashAt] = key.hash;
    words[at + headAt] = 0;
    words[at + countAt] = 0;
    partition.doubles[(at >> 1) + lastAtDouble] = Number.NEGATIVE_INFINITY;
    if (key.wordCount >= 0) {
      words[at + lengthAt] = key.text.length;
      for (let i = 0; i < key.wordCount; i++) words[at + keyAt + i] = key.words[i] as number;
    } else {
      words[at + lengthAt] = elsewhere;
      const place = this.#vacant.pop() ?? this.#long.length;
      this.#long[place] = key.text;
      words[at + keyAt] = place;
    }
    partition.tags[this.#slot] = tagOf(finishHash(key.hash ^ this.#salt)) | (partition.pending ? settled : 0);
    partition.rows++;
    this.#rows++;
  }

  /** The row's newest node. */
  get head(): number {
    return this.#partition.words[(this.#slot << rowBits) + headAt] as number;
  }

  set head(node: number) {
    this.#partition.words[(this.#slot << rowBits) + headAt] = node;
  }

  /** Nodes in the row's ring. */
  get count(): number {
    return this.#partition.words[(this.#slot << rowBits) + countAt] as number;
  }

  set count(count: number) {
    this.#partition.words[(this.#slot << rowBits) + countAt] = count;
  }

  /** `at` of the key's last alert, -Infinity before the first. */
  get lastAt(): number {
    return this.#partition.doubles[(this.#slot << (rowBits - 1)) + lastAtDouble] as number;
  }

  set lastAt(at: number) {
    this.#partition.doubles[(this.#slot << (rowBits - 1)) + lastAtDouble] = at;
  }

  get key(): string {
    const { words } = this.#partition;
    const at = this.#slot << rowBits;
    const length = words[at + lengthAt] as number;
    if (length === elsewhere) return this.#long[words[at + keyAt] as number] as string;
    return Buffer.from(words.buffer, (at + keyAt) * 4, length).toString('latin1');
  }

  /** Visits up to `rows` rows, going on where the last call stopped, and round again. */
  advanceHand(rows: number, visit: () => void): void {
    const hand = this.#hand;
    for (let left = Math.min(rows, this.#rows), skipped = 0; left > 0 && skipped <= this.#partitions.length; ) {
      const partition = this.#partitions[hand.partition] as Partition;
      if (hand.slot >= partition.capacity) {
        hand.partition = (hand.partition + 1) % this.#partitions.length;
        hand.slot = 0;
        skipped++;
        continue;
      }
      if (partition.tags[hand.slot] !== 0) {
        this.#partition = partition;
        this.#slot = hand.slot;
        visit();
        left--;
      }
      hand.slot++;
    }
  }

  /** Visits every row. */
  forEach(visit: () => void): void {
    for (const partition of this.#partitions) {
      for (let slot = 0; slot < partition.capacity; slot++) {
        if (partition.tags[slot] === 0) continue;
        this.#partition = partition;
        this.#slot = slot;
        visit();
      }
    }
  }

  /**
   * From here on `walk` visits the rows that the table holds now. Before the owner changes one of them it must ask `unsettled`: if so,
   * the walk has not visited it yet, and the row counts as visited from then on. A walk that was under way ends.
   */
  beginWalk(): void {
    this.endWalk();
    for (const partition of this.#partitions) partition.pending = true;
  }

  /** Of the cursor's row. */
  unsettled(): boolean {
    const partition = this.#partition;
    if (!partition.pending) return false;
    const tag = partition.tags[this.#slot] as number;
    partition.tags[this.#slot] = tag | settled;
    return (tag & settled) === 0;
  }

  /** Each row once, unless it was dropped or settled meanwhile; a yield after each. */
  *walk(visit: () => void): Generator<void> {
    const walkNumber = this.#walkNumber;
    for (const partition of this.#partitions) {
      let { generation } = partition;
      for (let slot = 0; slot < partition.capacity; slot++) {
        const tag = partition.tags[slot] as number;
        if (tag === 0 || (tag & settled) !== 0) continue;
        partition.tags[slot] = tag | settled;
        this.#partition = partition;
        this.#slot = slot;
        visit();
        yield;
        if (walkNumber !== this.#walkNumber) return;
        if (generation === partition.generation) continue;
        generation = partition.generation;
        slot = -1;
      }
      settle(partition);
    }
  }

  endWalk(): void {
    this.#walkNumber++;
    this.#partitions.forEach(settle);
  }

  #isKey(words: Int32Array, at: number, key: PackedKey): boolean {
    if (words[at + hashAt] !== key.hash) return false;
    if (key.wordCount < 0) return words[at + lengthAt] === elsewhere && this.#long[words[at + keyAt] as number] === key.text;
    if (words[at + lengthAt] !== key.text.length) return false;
    for (let i = 0; i < key.wordCount; i++) if (words[at + keyAt + i] !== key.words[i]) return false;
    return true;
  }

  #rebuild(partition: Partition, keep: () => boolean): void {
    const { words, tags, capacity } = partition;
    this.#partition = partition;
    let kept = 0;
    for (let slot = 0; slot < capacity; slot++) {
      if (tags[slot] === 0) continue;
      this.#slot = slot;
      if (keep()) {
        kept++;
        continue;
      }
      const at = slot << rowBits;
      if (words[at + lengthAt] === elsewhere) {
        const place = words[at + keyAt] as number;
        this.#long[place] = '';
        this.#vacant.push(place);
      }
      tags[slot] = 0;
    }
    this.#rows += kept - partition.rows;

    const memory = this.#memory.take(capacityFor(kept));
    const { words: newWords, tags: newTags } = memory;
    const larger = newTags.length;
    for (let slot = 0; slot < capacity; slot++) {
      const tag = tags[slot] as number;
      if (tag === 0) continue;
      const from = slot << rowBits;
      let to = slotOf(finishHash((words[from + hashAt] as number) ^ this.#salt), this.#bits, larger);
      while (newTags[to] !== 0) to = to + 1 === larger ? 0 : to + 1;
      newTags[to] = tag;
      const at = to << rowBits;
      for (let i = 0; i < rowWords; i++) newWords[at + i] = words[from + i] as number;
    }
    this.#memory.give(partition);
    moveInto(partition, memory, kept);
  }
}
