import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
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
 */
export class SessionRule extends RuleMemory {
  readonly #condition: Session;
  readonly #joined = new NodeColumn((nodes) => new Uint8Array(nodes));
  #evidence: Evidence[] = [];

  constructor(rule: CompiledRule, condition: Session, time: RuleTime, limits: MemoryLimits) {
    super(rule, condition.gapMs, time, limits);
    this.#condition = condition;
  }

  protected override get columnBytes(): number {
    return this.#joined.bytes;
  }

  protected judge({ eventId, occurredAt }: BookingEvent): number | undefined {
    const { atLeast } = this.#condition;
    let start = none; // none stands for the event itself
    if (this.before !== none && this.#near(this.timeOf(this.before), occurredAt) && this.timeOf(this.before) >= this.floor) {
      start = this.before;
      for (let node = this.older(start); node !== none && this.timeOf(node) >= this.floor; node = this.older(node)) {
        if (!this.#sameSession(node, start)) break;
        start = node;
      }
    }
    // From the start on; the event comes behind `before`.
    this.#evidence = [];
    let last = none;
    for (let node = start; node !== none && this.#evidence.length < atLeast; node = node === this.before ? none : this.newer(node)) {
      this.#evidence.push(this.evidenceOf(node));
    }
    if (this.#evidence.length < atLeast) this.#evidence.push({ eventId, occurredAt });
    for (let node = this.after; node !== none && this.#evidence.length < atLeast; node = this.newer(node)) {
      const joins = last === none ? this.#near(occurredAt, this.timeOf(node)) : this.#sameSession(last, node);
      if (!joins) break;
      this.#evidence.push(this.evidenceOf(node));
      last = node;
    }
    return this.#evidence.length < atLeast ? undefined : this.#evidence.at(-1)?.occurredAt;
  }

  protected prove(): Proof {
    return { evidence: this.#evidence, value: this.#evidence.length };
  }

  protected override describe(node: number): void {
    this.#joined.set(node, 0);
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
      inSession++;
      const together = this.#sameSession(node, next);
      // With `next` before the horizon too, `node` is not the newest there is before it.
      if (together && inSession > this.#condition.atLeast && this.timeOf(next) < horizon) {
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
    this.#joined.set(node, from.byte());
  }

  /** Of two neighbours. */
  #sameSession(older: number, newer: number): boolean {
    return this.#joined.get(newer) === 1 || this.#near(this.timeOf(older), this.timeOf(newer));
  }

  #near(older: number, newer: number): boolean {
    return newer - older <= this.#condition.gapMs;
  }
}
