import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';

export interface Floor {
  readonly range: HashRange;
  /** Epoch ms. */
  readonly watermark: number;
}

/**
 * Watermarks a shard inherits, each for the hash range it was reached in. Without them a merged child would start from the
 * lower parent's watermark (or none) and count a duplicate that its parent had already put out of reach.
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
