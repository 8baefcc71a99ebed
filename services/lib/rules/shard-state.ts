import type { BookingEvent } from '../events/booking-event.ts';
import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';
import { ByteReader } from '../windows/snapshot/byte-reader.ts';
import { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { readSnapshot, readSnapshotStream } from '../windows/snapshot/read.ts';
import { SnapshotTurn } from '../windows/snapshot/turn.ts';
import { EventId } from '../windows/tables/event-id.ts';
import { IdSet } from '../windows/tables/id-set.ts';
import { PackedKey } from '../windows/tables/packed-key.ts';
import type { Alert } from './alert.ts';
import type { CompiledRules } from './compile.ts';
import { type Floor, Floors, intersection } from './floors.ts';
import { defaultLimits, type MemoryLimits } from './memory-limits.ts';
import { addressOf, memoryFor } from './rule-kinds.ts';
import type { RuleMemory } from './rule-memory.ts';
import { ShardRestore, snapshotFormat, stateFrames } from './shard-snapshot.ts';
import { TimeSlices } from './time-slices.ts';

export type SkipReason = 'future' | 'late' | 'duplicate';

export type Applied =
  | { readonly kind: 'used'; readonly alerts: readonly Alert[] }
  /** Not used by any rule, and the watermark did not move. */
  | { readonly kind: 'skipped'; readonly reason: SkipReason };

/** What a state holds; `evicted`: events that a bound has cost it. */
export interface StateSize {
  readonly ids: number;
  /** Over all rules: a key that two rules know is two. */
  readonly keys: number;
  readonly events: number;
  /** Different values that rules of kind `distinct` and `pairs` keep, over all rules. */
  readonly values: number;
  readonly evicted: number;
  /** Of the tables; texts of values, and of keys that do not fit a row, come on top. */
  readonly bytes: number;
}

const skipped = {
  future: { kind: 'skipped', reason: 'future' },
  late: { kind: 'skipped', reason: 'late' },
  duplicate: { kind: 'skipped', reason: 'duplicate' },
} as const;
const quietly: Applied = { kind: 'used', alerts: [] };

/** Filled anew for each event. */
const key = new PackedKey();
const id = new EventId();

/**
 * The rule engine's whole memory of one shard: a pure function of the events applied and their order. It has no clock.
 *
 * Watermark = newest occurredAt used on the shard − disorder, or the floor inherited for the key's hash where that is higher.
 * Only used events move it, and `raiseWatermark`.
 */
export class ShardState {
  readonly #rules: CompiledRules;
  readonly #range: HashRange;
  readonly #floors: Floors;
  readonly #limits: MemoryLimits;
  readonly #ids: IdSet;
  readonly #idTimes: TimeSlices;
  /** Ids before it were dropped because there were too many. */
  #idFloor = Number.NEGATIVE_INFINITY;
  readonly #memories: readonly RuleMemory[];
  /** In front, those whose rule the event matches; filled anew for each event. */
  readonly #matching: RuleMemory[];
  #matches = 0;
  readonly #snapshotTurn = new SnapshotTurn();
  #watermark = Number.NEGATIVE_INFINITY;

  private constructor(rules: CompiledRules, range: HashRange, floors: readonly Floor[], limits: Partial<MemoryLimits>) {
    this.#rules = rules;
    this.#range = range;
    this.#floors = new Floors(floors);
    const all = { ...defaultLimits, ...limits };
    const share = Math.ceil(all.maxEvents / Math.max(1, rules.rules.length));
    this.#limits = { ...all, maxEventsPerRule: Math.min(all.maxEventsPerRule, share) };
    this.#ids = new IdSet(this.#limits.partitionBits);
    this.#idTimes = new TimeSlices(rules.time.latenessMs + rules.time.disorderMs);
    this.#memories = rules.rules.map((rule) => memoryFor(rule, rules.time, this.#limits));
    this.#matching = [...this.#memories];
  }

  static empty(rules: CompiledRules, range: HashRange, limits: Partial<MemoryLimits> = {}): ShardState {
    return new ShardState(rules, range, [], limits);
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
    const state = new ShardState(rules, range, floors, limits);
    for (const parent of parents) state.#inherit(parent);
    return state;
  }

  /**
   * The state that a snapshot holds, under rules that may be others: a rule the snapshot does not know by id and version begins
   * empty, and what it knows of other rules is left out. Where their lateness is longer, what was late stays late. Throws
   * SNAPSHOT_CORRUPT and SNAPSHOT_VERSION.
   */
  static restore(rules: CompiledRules, frames: Iterable<Uint8Array>, limits: Partial<MemoryLimits> = {}): ShardState {
    const restore = ShardState.#restoring(rules, limits);
    for (const frame of readSnapshot(frames, snapshotFormat)) restore.read(frame);
    return restore.finish();
  }

  /** The same from a stream; other work may run between two of its chunks. */
  static async restoreStream(
    rules: CompiledRules,
    frames: AsyncIterable<Uint8Array>,
    limits: Partial<MemoryLimits> = {},
  ): Promise<ShardState> {
    const restore = ShardState.#restoring(rules, limits);
    for await (const frame of readSnapshotStream(frames, snapshotFormat)) restore.read(frame);
    return restore.finish();
  }

  /**
   * Applies the shard's next event. `arrival`: approximateArrivalTimestamp, epoch ms; undefined where there is none (a file),
   * then nothing is from the future. Everything is worked out before anything is changed: if a rule throws, the state is as it was.
   * TypeError when eventId is not 32 lower-case hex digits.
   */
  apply(event: BookingEvent, arrival: number | undefined): Applied {
    const { occurredAt, userId } = event;
    const { disorderMs, latenessMs, maxAheadMs } = this.#rules.time;
    if (arrival !== undefined && occurredAt > arrival + maxAheadMs) return skipped.future;
    if (occurredAt < this.watermarkOf(userId) - latenessMs) return skipped.late;
    if (!id.parse(event.eventId)) throw new TypeError(`not an event id: ${event.eventId}`);
    // The id names one booking change, so one key: what is not known of the shard's own time is not known of the key's.
    if (this.#ids.has(id, this.#idHorizon)) return skipped.duplicate;

    const alerts = this.#evaluate(event);

    this.raiseWatermark(occurredAt - disorderMs);
    this.#addId(id, occurredAt);
    this.#limitIds();
    const horizon = this.#horizon;
    for (let i = 0; i < this.#matches; i++) (this.#matching[i] as RuleMemory).commit(event, key, id, horizon);
    return alerts === undefined ? quietly : { kind: 'used', alerts };
  }

  /** Moves the shard's watermark up to `ms`, as an event on another shard of the same file does; never down. */
  raiseWatermark(ms: number): void {
    if (ms <= this.#watermark) return;
    this.#watermark = ms;
    this.#floors.passed(ms);
    this.#idTimes.pass(this.#horizon);
  }

  /** Epoch ms; -Infinity before the first event. */
  watermarkOf(userId: string): number {
    return Math.max(this.#watermark, this.#floors.at(userId));
  }

  /**
   * The state as it is now, as bytes. They are made as they are asked for: events may be applied between two frames without effect
   * on them. One snapshot at a time: the next call ends the one before, which then throws. Until it is read to its end or given up
   * (`return`), the state keeps what it still needs and forgets nothing else either.
   */
  snapshot(): Generator<Buffer> {
    return stateFrames({
      watermark: this.#watermark,
      latenessMs: this.#rules.time.latenessMs,
      horizon: this.#horizon,
      idHorizon: this.#idHorizon,
      range: this.#range,
      floors: this.#floors.within(this.#range),
      ids: this.#ids,
      memories: this.#memories,
      turn: this.#snapshotTurn,
    });
  }

  get size(): StateSize {
    const sizes = this.#memories.map((memory) => ({ ...memory.size, evicted: memory.evicted }));
    const sum = (of: (size: (typeof sizes)[number]) => number): number => sizes.reduce((total, size) => total + of(size), 0);
    return {
      ids: this.#ids.size,
      keys: sum(({ keys }) => keys),
      events: sum(({ events }) => events),
      values: sum(({ values }) => values),
      evicted: sum(({ evicted }) => evicted),
      bytes: this.#ids.bytes + sum(({ bytes }) => bytes),
    };
  }

  /** Oldest time that an event to come can have. */
  get #horizon(): number {
    return this.#watermark - this.#rules.time.latenessMs;
  }

  /** Ids before it are of no use: events as old are late. */
  get #idHorizon(): number {
    return Math.max(this.#horizon, this.#idFloor);
  }

  #addId(added: EventId, time: number): void {
    this.#ids.add(added, time, this.#idHorizon);
    this.#idTimes.add(time, 1);
  }

  #limitIds(): void {
    const limited = this.#idTimes.limit(this.#limits.maxIds);
    if (limited === undefined) return;
    this.#idFloor = limited.floor;
    this.#floors.raise(this.#range, limited.floor + this.#rules.time.latenessMs);
  }

  #evaluate(event: BookingEvent): Alert[] | undefined {
    this.#matches = 0;
    let alerts: Alert[] | undefined;
    for (const memory of this.#memories) {
      if (!memory.rule.matches(event)) continue;
      if (this.#matches === 0) key.pack(event.userId);
      const alert = memory.evaluate(event, key);
      this.#matching[this.#matches++] = memory;
      if (alert === undefined) continue;
      if (alerts === undefined) alerts = [alert];
      else alerts.push(alert);
    }
    return alerts;
  }

  #inherit(parent: ShardState): void {
    const { latenessMs } = this.#rules.time;
    if (parent.#rules.time.latenessMs !== latenessMs) throw new TypeError('parent and child must have the same lateness');
    parent.#ids.forEach(parent.#idHorizon, (known, time) => {
      if (!this.#ids.has(known, time)) this.#addId(known, time);
    });
    const shared = intersection(parent.#range, this.#range);
    if (shared === undefined) return;
    const out = new ByteWriter();
    this.#memories.forEach((memory, i) => {
      const inherited = parent.#memories[i];
      if (inherited === undefined || addressOf(inherited.rule) !== addressOf(memory.rule)) {
        throw new TypeError('parent and child must have the same rules');
      }
      inherited.forEachKey(() => {
        if (!inRange(hashKeyOf(inherited.key), shared)) return; // the parent may hold strays, whose own shard is another parent
        if (inherited.writeKey(out, parent.#horizon)) memory.readKey(new ByteReader(out.take()), key);
      });
    });
  }

  static #restoring(rules: CompiledRules, limits: Partial<MemoryLimits>): ShardRestore<ShardState> {
    return new ShardRestore(rules.time.latenessMs, ({ watermark, range, floors }) => {
      const state = new ShardState(rules, range, floors, limits);
      state.raiseWatermark(watermark);
      const addId = (added: EventId, time: number): void => {
        if (!state.#ids.has(added, time)) state.#addId(added, time);
      };
      return { state, addId, memories: state.#memories };
    });
  }
}
