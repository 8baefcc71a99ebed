import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import { type HashRange, hashKeyOf, inRange } from '../../services/lib/kcl/shards.ts';
import type { CompiledRules } from '../../services/lib/rules/compile.ts';
import { type Applied, ShardState } from '../../services/lib/rules/shard-state.ts';
import type { ShardPlan } from './flags.ts';

interface Shard {
  readonly range: HashRange;
  state: ShardState;
}

const hashSpace = 2n ** 128n;

/**
 * The live engine over a file: one shard, or several that are split and merged on the way under one watermark, with restarts. Events
 * come in file order and have no arrival, so none is from the future.
 */
export class ShardedEngine {
  readonly #rules: CompiledRules;
  readonly #plan: ShardPlan;
  #shards: readonly Shard[];
  #phase = 0;
  #applied = 0;
  /** Over all shards, epoch ms. */
  #watermark = Number.NEGATIVE_INFINITY;
  /** By shards that are no more: a child begins to count at 0. */
  #evictedBefore = 0;

  constructor(rules: CompiledRules, plan: ShardPlan) {
    this.#rules = rules;
    this.#plan = plan;
    this.#shards = rangesOf(plan.counts[0] ?? 1).map((range) => ({ range, state: ShardState.empty(rules, range) }));
  }

  apply(event: BookingEvent): Applied {
    const shard = this.#shardOf(event.userId);
    shard.state.raiseWatermark(this.#watermark);
    const applied = shard.state.apply(event, undefined);
    this.#watermark = Math.max(this.#watermark, shard.state.watermarkOf(event.userId));
    this.#applied++;
    if (this.#applied === this.#plan.reshardAt[this.#phase]) this.#reshard();
    if (this.#plan.restartEvery !== undefined && this.#applied % this.#plan.restartEvery === 0) {
      for (const one of this.#shards) one.state = this.#throughBytes(one.state);
    }
    return applied;
  }

  /** Events that a bound of memory has cost. */
  get evicted(): number {
    return this.#evictedBefore + this.#shards.reduce((sum, { state }) => sum + state.size.evicted, 0);
  }

  /** Events of the plan after which nothing was resharded: there were too few so far. */
  get pendingReshards(): readonly number[] {
    return this.#plan.reshardAt.slice(this.#phase);
  }

  #shardOf(userId: string): Shard {
    const [only] = this.#shards;
    if (only !== undefined && this.#shards.length === 1) return only;
    const hash = hashKeyOf(userId);
    const shard = this.#shards.find(({ range }) => inRange(hash, range));
    if (shard === undefined) throw new RangeError('the shards do not cover the hash space');
    return shard;
  }

  /** As in the stream: a parent ends with a snapshot, and a child begins with what its parents' snapshots hold of its range. */
  #reshard(): void {
    this.#evictedBefore = this.evicted;
    const parents = this.#shards.map(({ range, state }) => ({ range, state: this.#throughBytes(state) }));
    this.#phase++;
    this.#shards = rangesOf(this.#plan.counts[this.#phase] ?? 1).map((range) => {
      const own = parents.filter((parent) => parent.range.start <= range.end && range.start <= parent.range.end);
      return {
        range,
        state: ShardState.fromParents(
          this.#rules,
          own.map(({ state }) => state),
          range,
        ),
      };
    });
  }

  #throughBytes(state: ShardState): ShardState {
    return ShardState.restore(this.#rules, state.snapshot());
  }
}

/** The hash space in equal parts. */
function rangesOf(count: number): HashRange[] {
  const start = (i: number): bigint => (hashSpace * BigInt(i)) / BigInt(count);
  return Array.from({ length: count }, (_, i) => ({ start: start(i), end: start(i + 1) - 1n }));
}
