import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';

export interface Floor {
  readonly range: HashRange;
  /** Epoch ms. */
  readonly watermark: number;
}

/**
 * Watermarks that hold for a hash range where they are above the shard's: those it inherits, each for the range it was reached in, and
 * one of its own when it had to forget ids. Without the former a merged child would start from the lower parent's watermark (or none)
 * and count a duplicate that its parent had already put out of reach.
 */
export class Floors {
  #floors: readonly Floor[];

  constructor(floors: readonly Floor[]) {
    this.#floors = floors;
  }

  /** -Infinity where nothing was inherited. The hash is only computed while it can matter. */
  at(key: string): number {
    if (this.#floors.length === 0) return Number.NEGATIVE_INFINITY;
    const hash = hashKeyOf(key);
    return this.#floors.reduce(
      (highest, floor) => (inRange(hash, floor.range) ? Math.max(highest, floor.watermark) : highest),
      Number.NEGATIVE_INFINITY,
    );
  }

  /** Raises the watermark of a range; never down. */
  raise(range: HashRange, watermark: number): void {
    const isIt = (floor: Floor): boolean => floor.range.start === range.start && floor.range.end === range.end;
    const highest = this.#floors.filter(isIt).reduce((max, floor) => Math.max(max, floor.watermark), watermark);
    this.#floors = [...this.#floors.filter((floor) => !isIt(floor)), { range, watermark: highest }];
  }

  /** Forgets the floors that the shard's own watermark has reached. */
  passed(watermark: number): void {
    if (this.#floors.some((floor) => floor.watermark <= watermark)) {
      this.#floors = this.#floors.filter((floor) => floor.watermark > watermark);
    }
  }

  within(range: HashRange): Floor[] {
    return this.#floors.flatMap((floor) => {
      const shared = intersection(floor.range, range);
      return shared === undefined ? [] : [{ range: shared, watermark: floor.watermark }];
    });
  }
}

export function intersection(a: HashRange, b: HashRange): HashRange | undefined {
  const start = a.start > b.start ? a.start : b.start;
  const end = a.end < b.end ? a.end : b.end;
  return start <= end ? { start, end } : undefined;
}
