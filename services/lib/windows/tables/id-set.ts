import type { EventId } from './event-id.ts';
import { IdRing, type IdRows, type VisitId } from './id-ring.ts';
import { defaultPartitionBits, partitionOf } from './partitions.ts';

/** More would make no pause shorter that matters, and each is one more thing to have at hand. */
const maxPartitionBits = 5;
/** Rows visited between two yields of a walk. */
const walkStep = 256;

/**
 * An exact set of 128-bit event ids, each with its time (epoch ms): 34 to 45 bytes an id. An id is known while its time is not before
 * the horizon; when memory is taken back has no effect. Rows never change, so an id that comes again beyond the horizon takes a second.
 */
export class IdSet {
  readonly #bits: number;
  readonly #rings: readonly IdRing[];
  /** Where `has` looked, for `add`. */
  #partition = 0;
  #hash = 0;
  #walkHorizon = Number.NEGATIVE_INFINITY;
  /** What each ring held when the walk began. */
  #walked: readonly IdRows[] = [];
  /** Rings before it are not needed by the walk any more. */
  #walkAt: number;

  constructor(partitionBits = defaultPartitionBits) {
    this.#bits = Math.min(partitionBits, maxPartitionBits);
    this.#rings = Array.from({ length: 1 << this.#bits }, () => new IdRing(this.#bits));
    this.#walkAt = this.#rings.length;
  }

  /** Rows in memory; some may be beyond the horizon. */
  get size(): number {
    return this.#rings.reduce((sum, { count }) => sum + count, 0);
  }

  get bytes(): number {
    return this.#rings.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Whether the id was added with a time not before `horizon`, which must never fall. */
  has(id: EventId, horizon: number): boolean {
    const hash = id.hash();
    this.#hash = hash;
    this.#partition = partitionOf(hash, this.#bits);
    return (this.#rings[this.#partition] as IdRing).has(id, hash, horizon);
  }

  /** Adds the id that `has` did not find just now. Ids older than `horizon` may be forgotten. */
  add(id: EventId, time: number, horizon: number): void {
    const partition = this.#partition;
    (this.#rings[partition] as IdRing).add(id, this.#hash, time, horizon, partition >= this.#walkAt);
  }

  /**
   * From here on `walk` sees the set as it is now, whatever is added meanwhile, and what is not before `horizon` stays for it.
   * A walk that was under way ends.
   */
  beginWalk(horizon: number): void {
    this.#walkHorizon = horizon;
    this.#walked = this.#rings.map((ring) => ring.rows());
    this.#walkAt = 0;
  }

  /** Visits every id not before the horizon of `beginWalk`; a yield every few microseconds. */
  *walk(visit: VisitId): Generator<void> {
    const [horizon, walked] = [this.#walkHorizon, this.#walked];
    for (const rows of walked) {
      for (let first = 0; first < rows.count; first += walkStep) {
        rows.visit(first, Math.min(first + walkStep, rows.count), horizon, visit);
        yield;
        if (walked !== this.#walked) return;
      }
      this.#walkAt++;
    }
  }

  endWalk(): void {
    this.#walked = [];
    this.#walkAt = this.#rings.length;
  }
}
