import type { HashRange, Shard } from '../kcl/shards.ts';

/** Where a hash key is expected to land. Without a shard (no map, or a hole in it) the range is that one hash key. */
export interface Plan {
  readonly shardId: string | undefined;
  readonly range: HashRange;
}

interface OpenShard {
  readonly shardId: string;
  readonly range: HashRange;
}

/**
 * The stream's shards as last listed. May be stale at any time: it only plans, the answers of Kinesis decide.
 * A shard id never changes its range, so what is known of a shard stays true.
 */
export class ShardMap {
  readonly #list: () => Promise<readonly Shard[]>;
  #open: readonly OpenShard[] = [];
  #ranges: ReadonlyMap<string, HashRange> = new Map();
  #generation = 0;
  #refreshing: Promise<boolean> | undefined;

  constructor(list: () => Promise<readonly Shard[]>) {
    this.#list = list;
  }

  /** 0 until the first listing, then one more with each. */
  get generation(): number {
    return this.#generation;
  }

  plan(hash: bigint): Plan {
    let low = 0;
    let high = this.#open.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#open[middle]!.range.end < hash) low = middle + 1;
      else high = middle;
    }
    const shard = this.#open[low];
    return shard !== undefined && shard.range.start <= hash ? shard : { shardId: undefined, range: { start: hash, end: hash } };
  }

  rangeOf(shardId: string): HashRange | undefined {
    return this.#ranges.get(shardId);
  }

  /** Lists the shards again, joining a listing that is under way; false when that fails, and the map stays as it was. */
  async refresh(): Promise<boolean> {
    this.#refreshing ??= this.#load().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #load(): Promise<boolean> {
    let shards: readonly Shard[];
    try {
      shards = await this.#list();
    } catch {
      return false;
    }
    this.#ranges = new Map(shards.map(({ shardId, range }) => [shardId, range]));
    this.#open = disjoint(shards.filter((shard) => !shard.closed));
    this.#generation++;
    return true;
  }
}

/** Planned ranges must not overlap; a listing made in the middle of a reshard might. */
function disjoint(shards: readonly Shard[]): OpenShard[] {
  const kept: OpenShard[] = [];
  for (const { shardId, range } of shards.toSorted((a, b) =>
    a.range.start < b.range.start ? -1 : a.range.start > b.range.start ? 1 : 0,
  )) {
    const last = kept.at(-1);
    if (last === undefined || last.range.end < range.start) kept.push({ shardId, range });
  }
  return kept;
}

export const overlaps = (a: HashRange, b: HashRange): boolean => a.start <= b.end && b.start <= a.end;
