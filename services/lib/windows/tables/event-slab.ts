import { type EventId, textOfId } from './event-id.ts';

/** No node. */
export const none = 0;

const chunkBits = 11;
const chunkNodes = 1 << chunkBits;
const nodeMask = chunkNodes - 1;
const wordBits = 3;
const doubleBits = 2;
const prevAt = 4;
const nextAt = 5;
const timeAt = 3;

/**
 * Retained events as nodes of 32 bytes {id, previous, next, time}, linked into one ring per key: a key's row knows its newest node, and
 * the newest node's `next` is the oldest. Nodes lie in chunks of 64 KiB, so that growing never copies.
 */
export class EventSlab {
  readonly #words: Int32Array[] = [];
  readonly #times: Float64Array[] = [];
  #free: number = none;
  #used = 0;
  #end = 1;

  /** Nodes in use. */
  get size(): number {
    return this.#used;
  }

  get bytes(): number {
    return this.#words.length * chunkNodes * 32;
  }

  /** The next node would take new memory. */
  get full(): boolean {
    return this.#free === none && (this.#end & nodeMask) === 0;
  }

  /** A node outside any ring. */
  add(id: EventId, time: number): number {
    const node = this.#take();
    const words = this.#wordsOf(node);
    const at = (node & nodeMask) << wordBits;
    words[at] = id.a;
    words[at + 1] = id.b;
    words[at + 2] = id.c;
    words[at + 3] = id.d;
    (this.#times[node >>> chunkBits] as Float64Array)[((node & nodeMask) << doubleBits) + timeAt] = time;
    this.#used++;
    return node;
  }

  /** Gives back a node that is in no ring. */
  free(node: number): void {
    this.#wordsOf(node)[((node & nodeMask) << wordBits) + nextAt] = this.#free;
    this.#free = node;
    this.#used--;
  }

  time(node: number): number {
    return (this.#times[node >>> chunkBits] as Float64Array)[((node & nodeMask) << doubleBits) + timeAt] as number;
  }

  next(node: number): number {
    return this.#wordsOf(node)[((node & nodeMask) << wordBits) + nextAt] as number;
  }

  previous(node: number): number {
    return this.#wordsOf(node)[((node & nodeMask) << wordBits) + prevAt] as number;
  }

  idText(node: number): string {
    const words = this.#wordsOf(node);
    const at = (node & nodeMask) << wordBits;
    return textOfId(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number);
  }

  /** One of the id's four words. */
  idWord(node: number, i: number): number {
    return this.#wordsOf(node)[((node & nodeMask) << wordBits) + i] as number;
  }

  /** Links `node` behind `before` in its ring; `none` makes it a ring of its own. */
  link(node: number, before: number): void {
    if (before === none) {
      this.#connect(node, node);
      return;
    }
    const after = this.next(before);
    this.#connect(before, node);
    this.#connect(node, after);
  }

  unlink(node: number): void {
    this.#connect(this.previous(node), this.next(node));
  }

  #connect(node: number, next: number): void {
    this.#wordsOf(node)[((node & nodeMask) << wordBits) + nextAt] = next;
    this.#wordsOf(next)[((next & nodeMask) << wordBits) + prevAt] = node;
  }

  #wordsOf(node: number): Int32Array {
    return this.#words[node >>> chunkBits] as Int32Array;
  }

  #take(): number {
    const free = this.#free;
    if (free !== none) {
      this.#free = this.next(free);
      return free;
    }
    const node = this.#end++;
    if (node >>> chunkBits === this.#words.length) {
      const memory = new ArrayBuffer(chunkNodes << (wordBits + 2));
      this.#words.push(new Int32Array(memory));
      this.#times.push(new Float64Array(memory));
    }
    return node;
  }
}
