import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { corrupt } from '../windows/snapshot/snapshot-error.ts';
import type { EventId } from '../windows/tables/event-id.ts';
import { none } from '../windows/tables/event-slab.ts';
import { NodeColumn } from '../windows/tables/node-column.ts';
import { type Scalar, ValueTable } from '../windows/tables/value-table.ts';
import type { Evidence } from './alert.ts';
import type { CompiledRule, Condition, RuleTime } from './compile.ts';
import { findEarliestRun, type Run, type Timeline } from './earliest-run.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { type Proof, RuleMemory, readId } from './rule-memory.ts';
import { readScalar, writeScalar } from './scalar-bytes.ts';
import { readTime } from './time-bytes.ts';

type Pairs = Extract<Condition, { kind: 'pairs' }>;

const entryKinds = { open: 0, pair: 1 } as const;

/**
 * `pairs`: so many pairs of an open and a close within a span. An entry is an open that no close has used, or a pair: the close's node,
 * with the open's outside the ring.
 */
export class PairsRule extends RuleMemory {
  readonly #condition: Pairs;
  readonly #values = new ValueTable();
  /** Of an open: handle of its `on` value. */
  readonly #on = new NodeColumn((nodes) => new Int32Array(nodes));
  /** Of a pair: the open's node. `none` says that the entry is an open. */
  readonly #openOf = new NodeColumn((nodes) => new Int32Array(nodes));
  readonly #run: Run = { older: 0, newer: 0, at: 0 };
  readonly #pairsOnly: Timeline;
  /** The open that the event closes. */
  #open = none;

  constructor(rule: CompiledRule, condition: Pairs, time: RuleTime, limits: MemoryLimits) {
    super(rule, Math.max(condition.withinMs, condition.maxGapMs), time, limits);
    this.#condition = condition;
    this.#pairsOnly = new PairsOf(this, (entry) => this.#openOf.get(entry) !== none);
  }

  protected override get valueCount(): number {
    return this.#values.size;
  }

  protected override get columnBytes(): number {
    return this.#on.bytes + this.#openOf.bytes;
  }

  protected override records(event: BookingEvent): boolean {
    this.#open = none;
    if (event.type === this.#condition.open) return true;
    this.#open = this.#newestOpen(this.#onOf(event));
    return this.#open !== none;
  }

  protected judge(): number | undefined {
    if (this.#open === none) return undefined;
    const { atLeast, withinMs } = this.#condition;
    return findEarliestRun(this.#pairsOnly, atLeast, withinMs, this.#run) ? this.#run.at : undefined;
  }

  protected prove({ eventId, occurredAt }: BookingEvent): Proof {
    const line = this.#pairsOnly;
    const pairs: Evidence[][] = [];
    for (let i = 0, node = line.before; i < this.#run.older; i++, node = line.older(node)) pairs.push(this.#evidenceOfPair(node));
    pairs.reverse();
    pairs.push([this.evidenceOf(this.#open), { eventId, occurredAt }]);
    for (let i = 0, node = line.after; i < this.#run.newer; i++, node = line.newer(node)) pairs.push(this.#evidenceOfPair(node));
    return { evidence: pairs.flat().sort((a, b) => a.occurredAt - b.occurredAt), value: pairs.length };
  }

  protected override record(event: BookingEvent, id: EventId): void {
    const open = this.#open;
    if (open !== none) {
      if (this.before === open) this.before = this.older(open);
      this.uncount(open);
      this.takeOut(open);
      this.#values.release(this.#on.get(open));
    }
    const node = this.insertEntry(id, this.eventTime);
    this.#openOf.set(node, open);
    if (open === none) this.#on.set(node, this.#values.hold(this.#onOf(event)));
  }

  protected override release(node: number): void {
    const open = this.#openOf.get(node);
    if (open === none) this.#values.release(this.#on.get(node));
    else this.nodes.free(open);
  }

  protected override writeEntry(out: ByteWriter, node: number): void {
    const open = this.#openOf.get(node);
    if (open === none) {
      out.byte(entryKinds.open);
      writeScalar(out, this.#values.valueOf(this.#on.get(node)));
    } else {
      out.byte(entryKinds.pair);
      this.writeNode(out, open);
    }
  }

  protected override readEntry(from: ByteReader, node: number): void {
    const kind = from.byte();
    if (kind === entryKinds.open) {
      this.#openOf.set(node, none);
      this.#on.set(node, this.#values.hold(readScalar(from)));
    } else if (kind === entryKinds.pair) {
      const id = readId(from);
      this.#openOf.set(node, this.nodes.add(id, readTime(from)));
    } else {
      throw corrupt(`an entry of kind ${kind}`);
    }
  }

  /** The newest unused open with this `on` value that lies no more than maxGap before the event. */
  #newestOpen(on: Scalar): number {
    const handle = this.#values.find(on);
    if (handle === undefined) return none;
    const earliest = Math.max(this.eventTime - this.#condition.maxGapMs, this.floor);
    for (let node = this.before; node !== none && this.timeOf(node) >= earliest; node = this.older(node)) {
      if (this.#openOf.get(node) === none && this.#on.get(node) === handle) return node;
    }
    return none;
  }

  #evidenceOfPair(node: number): Evidence[] {
    return [this.evidenceOf(this.#openOf.get(node)), this.evidenceOf(node)];
  }

  /** A scalar: the rule matches no other event. */
  #onOf(event: BookingEvent): Scalar {
    return event[this.#condition.on as keyof BookingEvent] as Scalar;
  }
}

/** A rule's entries without its opens. */
class PairsOf implements Timeline {
  readonly #all: Timeline;
  readonly #isPair: (entry: number) => boolean;

  constructor(all: Timeline, isPair: (entry: number) => boolean) {
    this.#all = all;
    this.#isPair = isPair;
  }

  get eventTime(): number {
    return this.#all.eventTime;
  }

  get floor(): number {
    return this.#all.floor;
  }

  get before(): number {
    const { before } = this.#all;
    return before === none || this.#isPair(before) ? before : this.older(before);
  }

  get after(): number {
    const { after } = this.#all;
    return after === none || this.#isPair(after) ? after : this.newer(after);
  }

  older(entry: number): number {
    let node = this.#all.older(entry);
    while (node !== none && !this.#isPair(node)) node = this.#all.older(node);
    return node;
  }

  newer(entry: number): number {
    let node = this.#all.newer(entry);
    while (node !== none && !this.#isPair(node)) node = this.#all.newer(node);
    return node;
  }

  timeOf(entry: number): number {
    return this.#all.timeOf(entry);
  }
}
