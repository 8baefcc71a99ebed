import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';
import { none } from '../windows/tables/event-slab.ts';
import { NodeColumn } from '../windows/tables/node-column.ts';
import type { Evidence } from './alert.ts';
import type { CompiledRule, Condition, RuleTime } from './compile.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { type Edge, type Proof, RuleMemory } from './rule-memory.ts';

type Session = Extract<Condition, { kind: 'session' }>;

/**
 * `session`: so many events in a row, each no more than `gap` after the one before. Of a session that an event to come can still join,
 * these are kept: its first atLeast events, the newest that lies before the horizon, and all from the horizon on. The others can
 * neither be evidence nor have a new neighbour; the entry behind them is marked as `joined` to the one in front of them.
 *
 * A session whose first event was dropped raises nothing more: with another first event it would raise one alert after the other. If by
 * the bound of its key, it begins with a joined entry; by the bound of the rule, it may have begun before if it begins near the floor.
 */
export class SessionRule extends RuleMemory {
  readonly #condition: Session;
  readonly #joined = new NodeColumn((nodes) => new Uint8Array(nodes));
  /** The event's session: its first entry before the event, or `none`; entries from there to the event; entries behind it. */
  #session = { start: none, older: 0, newer: 0 };

  constructor(rule: CompiledRule, condition: Session, time: RuleTime, limits: MemoryLimits) {
    super(rule, condition.gapMs, time, limits);
    this.#condition = condition;
  }

  protected override get columnBytes(): number {
    return this.#joined.bytes;
  }

  protected judge({ occurredAt }: BookingEvent): number | undefined {
    const { atLeast } = this.#condition;
    let start = none; // none stands for the event itself
    let older = 0;
    for (let node = this.before; node !== none && this.timeOf(node) >= this.floor; node = this.older(node)) {
      if (!(start === none ? this.#near(this.timeOf(node), occurredAt) : this.#sameSession(node, start))) break;
      start = node;
      // Its first atLeast were all there before: told then, or held back by a cooldown that still holds them back.
      if (++older === atLeast) return undefined;
    }
    const firstTime = start === none ? occurredAt : this.timeOf(start);
    if (this.#isJoined(start === none ? this.after : start) || this.#near(this.floor - 1, firstTime)) return undefined; // beheaded
    let newer = 0;
    let last = none;
    for (let node = this.after; node !== none && older + 1 + newer < atLeast; node = this.newer(node)) {
      if (!(last === none ? this.#near(occurredAt, this.timeOf(node)) : this.#sameSession(last, node))) break;
      last = node;
      newer++;
    }
    if (older + 1 + newer < atLeast) return undefined;
    this.#session = { start, older, newer };
    return last === none ? occurredAt : this.timeOf(last);
  }

  protected prove({ eventId, occurredAt }: BookingEvent): Proof {
    const { start, older, newer } = this.#session;
    const evidence: Evidence[] = [];
    for (let i = 0, node = start; i < older; i++, node = this.newer(node)) evidence.push(this.evidenceOf(node));
    evidence.push({ eventId, occurredAt });
    for (let i = 0, node = this.after; i < newer; i++, node = this.newer(node)) evidence.push(this.evidenceOf(node));
    return { evidence, value: evidence.length };
  }

  /** In front of a session without its first event it is the next that the bound drops. */
  protected override describe(node: number): void {
    this.#joined.set(node, 0);
  }

  protected override evicting(oldest: number): void {
    const next = this.nodes.next(oldest);
    if (this.#sameSession(oldest, next)) this.#joined.set(next, 1);
  }

  protected override firstOf({ reach, floor }: Edge): number {
    const { head } = this.keys;
    if (head === none) return none;
    const newer = (node: number): number => (node === head ? none : this.nodes.next(node));
    let start = this.nodes.next(head);
    while (start !== none && this.timeOf(start) < floor) start = newer(start);
    for (let node = start; node !== none; node = newer(node)) {
      if (this.timeOf(node) >= reach) return start; // the session of `start` reaches here
      const next = newer(node);
      if (next !== none && !this.#sameSession(node, next)) start = next;
    }
    return none;
  }

  protected override compact({ horizon }: Edge): void {
    const { head } = this.keys;
    if (head === none) return;
    let inSession = 0;
    let node = this.nodes.next(head);
    while (node !== head) {
      const next = this.nodes.next(node);
      if (this.timeOf(next) >= horizon) return; // `node` may be the newest there is before it
      inSession++;
      const together = this.#sameSession(node, next);
      if (together && inSession > this.#condition.atLeast) {
        this.uncount(node);
        this.removeEntry(node);
        this.#joined.set(next, 1);
      }
      if (!together) inSession = 0;
      node = next;
    }
  }

  protected override writeEntry(out: ByteWriter, node: number): void {
    out.byte(this.#joined.get(node));
  }

  protected override readEntry(from: ByteReader, node: number): void {
    const joined = from.byte();
    if (joined > 1) throw corrupt(`a session's entry of kind ${joined}`);
    this.#joined.set(node, joined);
  }

  /** Of two neighbours. */
  #sameSession(older: number, newer: number): boolean {
    return this.#isJoined(newer) || this.#near(this.timeOf(older), this.timeOf(newer));
  }

  #isJoined(node: number): boolean {
    return node !== none && this.#joined.get(node) === 1;
  }

  #near(older: number, newer: number): boolean {
    return newer - older <= this.#condition.gapMs;
  }
}
