import { setImmediate as otherWork } from 'node:timers/promises';
import type { BookingEvent } from '../events/booking-event.ts';
import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';
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
  #rules: CompiledRules;
  readonly #range: HashRange;
  readonly #floors: Floors;
  readonly #givenLimits: Partial<MemoryLimits>;
  #limits: MemoryLimits;
  readonly #ids: IdSet;
  readonly #idTimes: TimeSlices;
  /** Ids before it were dropped because there were too many. */
  #idFloor = Number.NEGATIVE_INFINITY;
  #memories: readonly RuleMemory[];
  /** In front, those whose rule the event matches; filled anew for each event. */
  #matching: RuleMemory[];
  #matches = 0;
  readonly #snapshotTurn = new SnapshotTurn();
  #watermark = Number.NEGATIVE_INFINITY;
  /** occurredAt of the newest event used here or by an ancestor, epoch ms. */
  #newest = Number.NEGATIVE_INFINITY;

  private constructor(rules: CompiledRules, range: HashRange, floors: readonly Floor[], limits: Partial<MemoryLimits>) {
    this.#rules = rules;
    this.#range = range;
    this.#floors = new Floors(floors);
    this.#givenLimits = limits;
    this.#limits = limitsFor(rules, limits);
    this.#ids = new IdSet(this.#limits.partitionBits);
    this.#idTimes = new TimeSlices(rules.time.latenessMs + rules.time.disorderMs);
    this.#memories = rules.rules.map((rule) => memoryFor(rule, rules.time, this.#limits));
    this.#matching = [...this.#memories];
  }

  static empty(rules: CompiledRules, range: HashRange, limits: Partial<MemoryLimits> = {}): ShardState {
    return new ShardState(rules, range, [], limits);
  }

  /** As `inherit`, at once, from parents at hand, each wholly applied. A parent's snapshot that is under way ends. */
  static fromParents(
    rules: CompiledRules,
    parents: readonly ShardState[],
    range: HashRange,
    limits: Partial<MemoryLimits> = {},
  ): ShardState {
    const state = new ShardState(rules, range, [], limits);
    for (const parent of parents) {
      const restore = state.#inheriting();
      for (const frame of readSnapshot(parent.snapshot(), snapshotFormat)) restore.read(frame);
      restore.finish();
    }
    return state;
  }

  /**
   * A child's state before its first event: what its parents' final snapshots know of the keys whose hash lies in `range`. A parent that
   * is missing (older than the retention) is left out. The parents' rules may be others, as in `restore`. Other work may run between two
   * frames. Rejects with SNAPSHOT_CORRUPT and SNAPSHOT_VERSION.
   */
  static async inherit(
    rules: CompiledRules,
    range: HashRange,
    parents: readonly AsyncIterable<Uint8Array>[],
    limits: Partial<MemoryLimits> = {},
  ): Promise<ShardState> {
    const state = new ShardState(rules, range, [], limits);
    for (const frames of parents) await readAll(frames, state.#inheriting());
    return state;
  }

  /**
   * The state that a snapshot holds, under rules that may be others: a rule the snapshot does not know by id and version begins
   * empty, and what it knows of other rules is left out. Where their lateness is longer, what was late stays late. Throws
   * SNAPSHOT_CORRUPT and SNAPSHOT_VERSION.
   */
  static restore(rules: CompiledRules, frames: Iterable<Uint8Array>, limits: Partial<MemoryLimits> = {}): ShardState {
    const restored = ShardState.#restoring(rules, limits);
    for (const frame of readSnapshot(frames, snapshotFormat)) restored.restore.read(frame);
    return restored.finish();
  }

  /** The same from a stream; other work may run between two frames. */
  static async restoreStream(
    rules: CompiledRules,
    frames: AsyncIterable<Uint8Array>,
    limits: Partial<MemoryLimits> = {},
  ): Promise<ShardState> {
    const restored = ShardState.#restoring(rules, limits);
    await readAll(frames, restored.restore);
    return restored.finish();
  }

  /**
   * The state under other rules, to be used from here on in place of this one. A rule that is known by id and version keeps what it
   * remembers and its cooldowns, another begins empty, and what is not among them is forgotten.
   *
   * Where disorder and lateness stay, it is the same state, at once; a snapshot under way goes on. Where they change, it is a copy, made
   * as by `restoreStream` while other work runs: no event may be applied meanwhile, both take memory, a snapshot under way ends.
   */
  switchRules(rules: CompiledRules): ShardState | Promise<ShardState> {
    const { disorderMs, latenessMs } = this.#rules.time;
    if (rules.time.disorderMs === disorderMs && rules.time.latenessMs === latenessMs) {
      this.#take(rules);
      return this;
    }
    return ShardState.restoreStream(rules, asStream(this.snapshot()), this.#givenLimits);
  }

  /** Events with an occurredAt up to `ms` (epoch) may be missing, other than late ones: alerts that could need them are warming. */
  missed(ms: number): void {
    for (const memory of this.#memories) memory.missed(ms);
  }

  /** Whether the alert, raised under the rules of now, may lack evidence: its rule has not been here, or history not known, for its span. */
  isWarming({ ruleId, at }: Pick<Alert, 'ruleId' | 'at'>): boolean {
    return this.#memories.some(({ rule, warmingUntil }) => rule.id === ruleId && at <= warmingUntil);
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

    if (occurredAt > this.#newest) this.#newest = occurredAt;
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
      newest: this.#newest,
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

  /** With the same disorder and lateness. */
  #take(rules: CompiledRules): void {
    const known = new Map(this.#memories.map((memory) => [addressOf(memory.rule), memory]));
    this.#rules = rules;
    this.#limits = limitsFor(rules, this.#givenLimits);
    this.#memories = rules.rules.map((rule) => {
      const kept = known.get(addressOf(rule));
      if (kept !== undefined) {
        kept.limits = this.#limits;
        return kept;
      }
      const fresh = memoryFor(rule, rules.time, this.#limits);
      fresh.missed(this.#newest);
      return fresh;
    });
    this.#matching = [...this.#memories];
  }

  #addIdOnce(added: EventId, time: number): void {
    if (!this.#ids.has(added, time)) this.#addId(added, time);
  }

  /** Reads one parent's snapshot into this child. */
  #inheriting(): ShardRestore {
    return new ShardRestore(this.#rules.time, ({ watermark, newest, range, floors }, longerMs) => {
      const shared = intersection(range, this.#range);
      if (shared !== undefined && watermark > Number.NEGATIVE_INFINITY) this.#floors.raise(shared, watermark + longerMs);
      for (const floor of new Floors(floors).within(this.#range)) this.#floors.raise(floor.range, floor.watermark);
      this.#newest = Math.max(this.#newest, newest);
      return {
        addId: (id, time) => this.#addIdOnce(id, time),
        memories: this.#memories,
        inherits: (key) => shared !== undefined && inRange(hashKeyOf(key), shared), // strays are another parent's
      };
    });
  }

  static #restoring(rules: CompiledRules, limits: Partial<MemoryLimits>): { readonly restore: ShardRestore; finish(): ShardState } {
    let state: ShardState | undefined;
    const restore = new ShardRestore(rules.time, ({ watermark, newest, range, floors }, longerMs) => {
      const own = longerMs > 0 && watermark > Number.NEGATIVE_INFINITY ? [{ range, watermark: watermark + longerMs }] : [];
      const restored = new ShardState(rules, range, [...floors, ...own], limits);
      restored.#newest = newest;
      restored.raiseWatermark(watermark);
      state = restored;
      return { addId: (id, time) => restored.#addIdOnce(id, time), memories: restored.#memories };
    });
    return {
      restore,
      finish: () => {
        restore.finish();
        return state as ShardState; // finish throws when there was no head
      },
    };
  }
}

/** Each rule has its share of what all rules may take. */
function limitsFor({ rules }: CompiledRules, given: Partial<MemoryLimits>): MemoryLimits {
  const all = { ...defaultLimits, ...given };
  const share = Math.ceil(all.maxEvents / Math.max(1, rules.length));
  return { ...all, maxEventsPerRule: Math.min(all.maxEventsPerRule, share) };
}

/** One frame, then other work: a chunk may hold any number of frames. */
async function readAll(chunks: AsyncIterable<Uint8Array>, restore: ShardRestore): Promise<void> {
  for await (const frame of readSnapshotStream(chunks, snapshotFormat)) {
    restore.read(frame);
    await otherWork();
  }
  restore.finish();
}

async function* asStream(frames: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* frames;
}
