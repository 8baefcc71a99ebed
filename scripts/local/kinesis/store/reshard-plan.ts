import type { HashRange } from './hash-ranges.ts';
import { lowestWhere } from './search.ts';

/** One step of a reshard: exactly what SplitShard and MergeShards can do, so that a shard never has more than two parents. */
export type ReshardStep<T> =
  | { readonly kind: 'split'; readonly shard: T; readonly at: bigint }
  | { readonly kind: 'merge'; readonly left: T; readonly right: T };

/**
 * The next step from `open` towards `target` (both in hash order), undefined when they tile the key space alike.
 * First every shard is split at the target's boundaries inside it, then neighbours with no boundary between them are merged.
 * This makes short-lived shards on the way, as UpdateShardCount does (API reference).
 */
export function nextReshardStep<T extends { readonly range: HashRange }>(
  open: readonly T[],
  target: readonly HashRange[],
): ReshardStep<T> | undefined {
  for (const shard of open) {
    const inner = target[lowestWhere(target.length, (i) => (target[i] as HashRange).start > shard.range.start)];
    if (inner !== undefined && inner.start <= shard.range.end) return { kind: 'split', shard, at: inner.start };
  }
  const boundaries = new Set(target.map(({ start }) => start));
  for (const [i, right] of open.entries()) {
    const left = open[i - 1];
    if (left !== undefined && !boundaries.has(right.range.start)) return { kind: 'merge', left, right };
  }
  return undefined;
}
