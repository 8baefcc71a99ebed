import type { BookingEvent } from '../events/booking-event.ts';
import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';
import type { Alert } from './alert.ts';
import type { CompiledRules } from './compile.ts';
import { CountLog, type MemoryLimits } from './count-log.ts';
import { Floors, intersection } from './floors.ts';
import { UsedIds } from './used-ids.ts';

export type SkipReason = 'future' | 'late' | 'duplicate';

export type Applied =
  | { readonly kind: 'used'; readonly alerts: readonly Alert[] }
  /** Not used by any rule, and the watermark did not move. */
  | { readonly kind: 'skipped'; readonly reason: SkipReason };

const defaultLimits: MemoryLimits = { maxEventsPerKey: 4_096, smallestSweep: 1_024 };

/**
 * The rule engine's whole memory of one shard: a pure function of the events applied and their order. It has no clock.
 *
 * Watermark = newest occurredAt used on the shard − disorder, or the floor inherited for the key's hash where that is higher.
 * Only used events move it.
 */
export class ShardState {
  readonly #rules: CompiledRules;
  readonly #range: HashRange;
  readonly #floors: Floors;
  readonly #ids: UsedIds;
  readonly #logs: readonly CountLog[];
  readonly #horizon = (key: string): number => this.watermarkOf(key) - this.#rules.time.latenessMs;
  #watermark = Number.NEGATIVE_INFINITY;

  private constructor(rules: CompiledRules, range: HashRange, floors: Floors, limits: Partial<MemoryLimits>) {
    this.#rules = rules;
    this.#range = range;
    this.#floors = floors;
    const bounds = { ...defaultLimits, ...limits };
    this.#ids = new UsedIds(bounds.smallestSweep);
    this.#logs = rules.rules.map((rule) => new CountLog(rule, bounds));
  }

  static empty(rules: CompiledRules, range: HashRange, limits: Partial<MemoryLimits> = {}): ShardState {
    return new ShardState(rules, range, new Floors([]), limits);
  }

  /**
   * A child's state before its first event: what its parents, wholly applied under the same rules, knew of the keys whose hash
   * lies in `range`. A parent that is missing (older than the retention) is left out.
   */
  static fromParents(
    rules: CompiledRules,
    parents: readonly ShardState[],
    range: HashRange,
    limits: Partial<MemoryLimits> = {},
  ): ShardState {
    const floors = parents.flatMap((parent) => {
      const shared = intersection(parent.#range, range);
      const own =
        shared === undefined || parent.#watermark === Number.NEGATIVE_INFINITY ? [] : [{ range: shared, watermark: parent.#watermark }];
      return [...own, ...parent.#floors.within(range)];
    });
    const state = new ShardState(rules, range, new Floors(floors), limits);
    const holds = (key: string): boolean => inRange(hashKeyOf(key), range);
    for (const parent of parents) {
      state.#ids.inherit(parent.#ids, holds);
      state.#logs.forEach((log, i) => {
        const inherited = parent.#logs[i];
        if (inherited?.rule !== log.rule) throw new TypeError('parent and child must have the same rules');
        log.inherit(inherited, holds);
      });
    }
    return state;
  }

  /**
   * Applies the shard's next event. `arrival`: approximateArrivalTimestamp, epoch ms; undefined where there is none (a file),
   * then nothing is from the future. Everything is worked out before anything is changed: if a rule throws, the state is as it was.
   */
  apply(event: BookingEvent, arrival: number | undefined): Applied {
    const { occurredAt, userId: key } = event;
    const { disorderMs, latenessMs, maxAheadMs } = this.#rules.time;
    if (arrival !== undefined && occurredAt > arrival + maxAheadMs) return { kind: 'skipped', reason: 'future' };
    if (occurredAt < this.watermarkOf(key) - latenessMs) return { kind: 'skipped', reason: 'late' };
    if (this.#ids.has(event.eventId, this.#horizon)) return { kind: 'skipped', reason: 'duplicate' };

    const changes = this.#logs.filter((log) => log.rule.matches(event)).map((log) => log.evaluate(event));

    this.#watermark = Math.max(this.#watermark, occurredAt - disorderMs);
    this.#floors.passed(this.#watermark);
    this.#ids.add(event.eventId, { key, occurredAt }, this.#horizon);
    for (const change of changes) change.log.commit(change, this.#horizon);
    return { kind: 'used', alerts: changes.map((change) => change.alert).filter((alert) => alert !== undefined) };
  }

  /** Epoch ms; -Infinity before the first event. */
  watermarkOf(key: string): number {
    return Math.max(this.#watermark, this.#floors.at(key));
  }

  /** What the state holds, and how many events a key's limit has cost it. */
  get size(): { readonly ids: number; readonly keys: number; readonly evicted: number } {
    const sum = (of: (log: CountLog) => number): number => this.#logs.reduce((total, log) => total + of(log), 0);
    return { ids: this.#ids.size, keys: sum((log) => log.keys), evicted: sum((log) => log.evicted) };
  }
}
