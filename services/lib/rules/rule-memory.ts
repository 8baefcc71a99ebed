import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';
import { EventId } from '../windows/tables/event-id.ts';
import { EventSlab, none } from '../windows/tables/event-slab.ts';
import { KeyTable } from '../windows/tables/key-table.ts';
import type { PackedKey } from '../windows/tables/packed-key.ts';
import { type Alert, alertOf, type Evidence } from './alert.ts';
import type { CompiledRule, RuleTime } from './compile.ts';
import type { Timeline } from './earliest-run.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { spanMsOf } from './span.ts';
import { readLastTime, readTime } from './time-bytes.ts';
import { TimeSlices } from './time-slices.ts';

/** Before events or keys take new memory, so many rows are looked at for what has expired there, … */
const reclaimRows = { forEvents: 1_024, forKeys: 4_096 };
/** … but not more often than once in so many events. */
const reclaimEvery = 2_048;

/** What is of no more use: entries before `reach` and before `floor`, cooldowns that end before `horizon`. Epoch ms. */
export interface Edge {
  readonly horizon: number;
  readonly reach: number;
  readonly floor: number;
}

/** A snapshot under way: it must find what mattered when it began. */
interface Walk {
  readonly edge: Edge;
  /** Called before a key that the walk has not visited is changed, with the cursor on it. */
  readonly beforeChange: () => void;
}

export interface Proof {
  /** In time order. */
  readonly evidence: readonly Evidence[];
  readonly value: number;
}

/**
 * One rule's memory: per key a ring of entries (matching events, or pairs of them) in the order of (occurredAt, arrival), and the time
 * of its last alert. What is common to all kinds of rule is here: the place of an event, cooldown, expiry, bounds, snapshots.
 *
 * An event is first evaluated, which changes nothing, then committed. Horizon = the oldest time an event to come can have.
 * Whatever can no longer matter is invisible; when its memory is taken back has no effect.
 */
export abstract class RuleMemory implements Timeline {
  readonly rule: CompiledRule;
  protected readonly keys: KeyTable;
  protected readonly nodes = new EventSlab();
  /** How long before the horizon an entry can still matter. */
  readonly #reachMs: number;
  #limits: MemoryLimits;
  readonly #slices: TimeSlices;
  /** Entries before it were dropped because all keys together had too many. */
  #floor = Number.NEGATIVE_INFINITY;
  #evicted = 0;
  #warmingUntil = Number.NEGATIVE_INFINITY;
  #sinceReclaim = 0;

  // The event under evaluation.
  #known = false;
  #recorded = false;
  #alert: Alert | undefined;
  eventTime = 0;
  protected newest = none;
  protected oldest = none;
  /** The newest entry that is not newer than the event; it goes behind it. */
  before = none;

  #walk: Walk | undefined;
  /** As of the last event; one object, so that no event costs one. */
  readonly #edge = { horizon: 0, reach: 0, floor: 0 };
  readonly #reclaim = (): void => {
    const edge = this.#walk?.edge ?? this.#edge;
    this.#expire(edge);
    if (this.keys.head === none && !this.#coolingDown(edge)) this.keys.remove();
  };

  constructor(rule: CompiledRule, reachMs: number, time: RuleTime, limits: MemoryLimits) {
    this.rule = rule;
    this.#reachMs = reachMs;
    this.#limits = limits;
    this.#slices = new TimeSlices(reachMs + time.latenessMs + time.disorderMs);
    this.keys = new KeyTable(limits.partitionBits);
  }

  /** From the next event on. */
  set limits(limits: MemoryLimits) {
    this.#limits = limits;
  }

  /** Alerts with `at` up to this may lack evidence that the rule has missed, epoch ms; -Infinity when it has missed nothing. */
  get warmingUntil(): number {
    return this.#warmingUntil;
  }

  /** Raises `warmingUntil`; never down. */
  warmUntil(ms: number): void {
    this.#warmingUntil = Math.max(this.#warmingUntil, ms);
  }

  /** Events with an occurredAt up to `ms` may be unknown to the rule. */
  missed(ms: number): void {
    this.warmUntil(ms + spanMsOf(this.rule));
  }

  /** Entries dropped by a bound. */
  get evicted(): number {
    return this.#evicted;
  }

  get size(): { readonly keys: number; readonly events: number; readonly values: number; readonly bytes: number } {
    return {
      keys: this.keys.size,
      events: this.nodes.size,
      values: this.valueCount,
      bytes: this.keys.bytes + this.nodes.bytes + this.columnBytes,
    };
  }

  /** What a matching event raises. Changes nothing that another event could see; `commit` must follow before the next one. */
  evaluate(event: BookingEvent, key: PackedKey): Alert | undefined {
    this.eventTime = event.occurredAt;
    this.#alert = undefined;
    this.#recorded = false;
    if (this.eventTime < this.#floor) return undefined;
    this.#known = this.keys.find(key);
    this.newest = this.#known ? this.keys.head : none;
    this.oldest = this.newest === none ? none : this.nodes.next(this.newest);
    this.before = this.newest;
    while (this.before !== none && this.nodes.time(this.before) > this.eventTime) this.before = this.older(this.before);
    this.#recorded = this.records(event);
    if (!this.#recorded) return undefined;
    const newest = this.before === this.newest ? this.eventTime : this.nodes.time(this.newest);
    const cooldown = this.#known ? this.keys.lastAt + this.rule.cooldownMs : Number.NEGATIVE_INFINITY;
    if (newest <= cooldown) return undefined; // no evidence is newer than the newest event
    const at = this.judge(event);
    if (at === undefined || at <= cooldown) return undefined;
    const { evidence, value } = this.prove(event);
    this.#alert = alertOf(this.rule, event.userId, event.eventId, evidence, value);
    return this.#alert;
  }

  /** Records the event evaluated last. `horizon`: with this event applied. */
  commit(event: BookingEvent, key: PackedKey, id: EventId, horizon: number): void {
    const edge = this.#edge;
    edge.horizon = horizon;
    edge.reach = horizon - this.#reachMs;
    edge.floor = this.#floor;
    this.#slices.pass(edge.reach);
    if (this.eventTime < this.#floor) this.#evicted++;
    if (!this.#recorded) return;
    if (this.#known) {
      if (this.keys.unsettled()) this.#walk?.beforeChange();
    } else {
      this.keys.insert(key);
    }
    this.record(event, id);
    if (this.#alert !== undefined) this.keys.lastAt = this.#alert.at;
    this.#expire(edge);
    this.compact(edge);
    while (this.keys.count > this.#limits.maxEventsPerKey) this.#evictOldest();
    this.#limit();
    if (++this.#sinceReclaim >= reclaimEvery && (this.nodes.full || this.keys.full)) {
      this.#sinceReclaim = 0;
      this.keys.advanceHand(this.keys.full ? reclaimRows.forKeys : reclaimRows.forEvents, this.#reclaim);
    }
  }

  /** From here on `walk` visits the keys as they are now, given that `beforeChange` visits those that change before it comes to them. */
  beginWalk(horizon: number, beforeChange: () => void): void {
    this.#walk = { edge: this.#edgeAt(horizon), beforeChange };
    this.keys.beginWalk();
  }

  walk(visit: () => void): Generator<void> {
    return this.keys.walk(visit);
  }

  endWalk(): void {
    this.#walk = undefined;
    this.keys.endWalk();
  }

  /** Writes what matters of the key that a walk visits; false when there is nothing. */
  writeKey(out: ByteWriter): boolean {
    const { keys, nodes } = this;
    const edge = this.#walk?.edge ?? this.#edge;
    const first = this.firstOf(edge);
    if (first === none && !this.#coolingDown(edge)) return false;
    out.text(keys.key);
    out.float64(keys.lastAt);
    let entries = 0;
    for (let node = first; node !== none; node = node === keys.head ? none : nodes.next(node)) entries++;
    out.uint(entries);
    for (let node = first, left = entries; left > 0; node = nodes.next(node), left--) {
      this.writeNode(out, node);
      this.writeEntry(out, node);
    }
    return true;
  }

  /** Takes a key that was written, to the end of its bytes; it must be new here. */
  readKey(from: ByteReader, key: PackedKey): void {
    if (this.keys.find(key.pack(from.text()))) throw corrupt('a key comes twice');
    this.keys.insert(key);
    this.keys.lastAt = readLastTime(from);
    this.before = none;
    for (let left = from.uint(); left > 0; left--) {
      const id = readId(from);
      const time = readTime(from);
      if (this.before !== none && time < this.nodes.time(this.before)) throw corrupt('the entries of a key are not in time order');
      this.before = this.insertEntry(id, time);
      this.readEntry(from, this.before);
    }
    if (!from.done) throw corrupt('a key has more bytes than entries');
  }

  /** What the bounds have done, which a snapshot must carry. */
  get bounds(): { readonly floor: number; readonly evicted: number } {
    return { floor: this.#walk?.edge.floor ?? this.#floor, evicted: this.#evicted };
  }

  /** Before any key is read. */
  restoreBounds(horizon: number, { floor, evicted }: { readonly floor: number; readonly evicted: number }): void {
    this.#floor = floor;
    this.#evicted = evicted;
    this.#slices.pass(horizon - this.#reachMs);
    this.#slices.pass(floor - 1);
  }

  /** Whether the event, or something it completes, becomes an entry. Asked before `judge`. */
  protected records(_event: BookingEvent): boolean {
    return true;
  }

  /** The time of the newest evidence if the condition holds with the event in its place, else undefined. */
  protected abstract judge(event: BookingEvent): number | undefined;

  /** The evidence for what `judge` has just found. */
  protected abstract prove(event: BookingEvent): Proof;

  /** Makes the event an entry of the cursor's key. */
  protected record(event: BookingEvent, id: EventId): void {
    this.describe(this.insertEntry(id, this.eventTime), event);
  }

  /** Notes beside the node what the kind needs to know of the event. */
  protected describe(_node: number, _event: BookingEvent): void {}

  /** Lets go of what belongs to an entry that is about to be freed. */
  protected release(_node: number): void {}

  /** Different values that the entries carry. */
  protected get valueCount(): number {
    return 0;
  }

  /** Of what lies beside the nodes. */
  protected get columnBytes(): number {
    return 0;
  }

  /** Told before the bound of its key drops an entry, the oldest of two or more. */
  protected evicting(_oldest: number): void {}

  /** Drops entries of the cursor's key that time has not passed, but that are of no more use. Called when the key has a new entry. */
  protected compact(_edge: Edge): void {}

  /** The oldest entry of the cursor's key that still matters; all behind it do too. */
  protected firstOf({ reach, floor }: Edge): number {
    const { head } = this.keys;
    if (head === none) return none;
    const bound = Math.max(reach, floor);
    for (let node = this.nodes.next(head); ; node = this.nodes.next(node)) {
      if (this.nodes.time(node) >= bound) return node;
      if (node === head) return none;
    }
  }

  /** Writes what the kind notes beside a node; `readEntry` reads it back. */
  protected writeEntry(_out: ByteWriter, _node: number): void {}
  protected readEntry(_from: ByteReader, _node: number): void {}

  /** The entry before, in time order; `none` before the oldest. */
  older(node: number): number {
    return node === this.oldest ? none : this.nodes.previous(node);
  }

  newer(node: number): number {
    return node === this.newest ? none : this.nodes.next(node);
  }

  /** The entry that follows the event's place. */
  get after(): number {
    return this.before === none ? this.oldest : this.newer(this.before);
  }

  /** The first time that is visible. */
  get floor(): number {
    return this.#floor;
  }

  timeOf(node: number): number {
    return this.nodes.time(node);
  }

  protected evidenceOf(node: number): Evidence {
    return { eventId: this.nodes.idText(node), occurredAt: this.nodes.time(node) };
  }

  /** The event with so many entries before its place and `newer` ones behind. */
  protected evidenceAround(event: BookingEvent, older: number, newer: number): Evidence[] {
    const evidence: Evidence[] = [];
    for (let i = 0, node = this.before; i < older; i++, node = this.older(node)) evidence.push(this.evidenceOf(node));
    evidence.reverse();
    evidence.push({ eventId: event.eventId, occurredAt: event.occurredAt });
    for (let i = 0, node = this.after; i < newer; i++, node = this.newer(node)) evidence.push(this.evidenceOf(node));
    return evidence;
  }

  /** A new entry of the cursor's key, behind `before`. */
  protected insertEntry(id: EventId, time: number): number {
    const { keys, nodes } = this;
    const node = nodes.add(id, time);
    nodes.link(node, this.before === none ? keys.head : this.before);
    if (this.before === keys.head) keys.head = node;
    keys.count++;
    this.#slices.add(time, 1);
    return node;
  }

  /** Takes an entry out of the ring of the cursor's key. */
  protected takeOut(node: number): void {
    const { keys, nodes } = this;
    if (keys.count === 1) keys.head = none;
    else if (keys.head === node) keys.head = nodes.previous(node);
    nodes.unlink(node);
    keys.count--;
  }

  /** As `takeOut`, and the entry counts no more. */
  protected removeEntry(node: number): void {
    this.takeOut(node);
    this.release(node);
    this.nodes.free(node);
  }

  /** The entry is retained no more though time has not passed it. */
  protected uncount(node: number): void {
    this.#slices.add(this.nodes.time(node), -1);
  }

  protected writeNode(out: ByteWriter, node: number): void {
    for (let i = 0; i < 4; i++) out.word(this.nodes.idWord(node, i));
    out.float64(this.nodes.time(node));
  }

  #edgeAt(horizon: number): Edge {
    return { horizon, reach: horizon - this.#reachMs, floor: this.#floor };
  }

  #expire(edge: Edge): void {
    const { keys, nodes } = this;
    if (keys.head === none) return;
    const first = this.firstOf(edge);
    while (keys.head !== none && nodes.next(keys.head) !== first) this.removeEntry(nodes.next(keys.head));
  }

  #coolingDown({ horizon }: Edge): boolean {
    return this.keys.lastAt + this.rule.cooldownMs >= horizon;
  }

  #evictOldest(): void {
    const oldest = this.nodes.next(this.keys.head);
    this.evicting(oldest);
    this.uncount(oldest);
    this.removeEntry(oldest);
    this.#evicted++;
  }

  #limit(): void {
    const limited = this.#slices.limit(this.#limits.maxEventsPerRule);
    if (limited === undefined) return;
    this.#evicted += limited.dropped;
    this.#floor = limited.floor;
  }
}

const readEventId = new EventId();

/** One object for all: to be used before the next is read. */
export function readId(from: ByteReader): EventId {
  readEventId.a = from.word();
  readEventId.b = from.word();
  readEventId.c = from.word();
  readEventId.d = from.word();
  return readEventId;
}
