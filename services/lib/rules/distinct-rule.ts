import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { none } from '../windows/tables/event-slab.ts';
import { NodeColumn } from '../windows/tables/node-column.ts';
import { type Scalar, ValueTable } from '../windows/tables/value-table.ts';
import type { CompiledRule, Condition, RuleTime } from './compile.ts';
import type { Run } from './earliest-run.ts';
import { findFewestRun, type RunTotal } from './fewest-run.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { type Proof, RuleMemory } from './rule-memory.ts';
import { readScalar, writeScalar } from './scalar-bytes.ts';

type Distinct = Extract<Condition, { kind: 'distinct' }>;

/** Stands for a value of the new event that no entry has. */
const newValue = -1;

/** `distinct`: so many different values of one field within a span. */
export class DistinctRule extends RuleMemory {
  readonly #condition: Distinct;
  readonly #values = new ValueTable();
  /** Handles of the values. */
  readonly #handles = new NodeColumn((nodes) => new Int32Array(nodes));
  readonly #run: Run = { older: 0, newer: 0, at: 0 };
  readonly #total: DifferentValues;

  constructor(rule: CompiledRule, condition: Distinct, time: RuleTime, limits: MemoryLimits) {
    super(rule, condition.withinMs, time, limits);
    this.#condition = condition;
    this.#total = new DifferentValues(condition.atLeast, this.#handles);
  }

  protected override get valueCount(): number {
    return this.#values.size;
  }

  protected override get columnBytes(): number {
    return this.#handles.bytes;
  }

  protected judge(event: BookingEvent): number | undefined {
    this.#total.ofEvent = this.#values.find(this.#valueOf(event)) ?? newValue;
    return findFewestRun(this, this.#condition.withinMs, this.#total, this.#run) ? this.#run.at : undefined;
  }

  protected prove(event: BookingEvent): Proof {
    const { older, newer } = this.#run;
    const found = new Set([this.#total.ofEvent]);
    for (let i = 0, node = this.before; i < older; i++, node = this.older(node)) found.add(this.#handles.get(node));
    for (let i = 0, node = this.after; i < newer; i++, node = this.newer(node)) found.add(this.#handles.get(node));
    return { evidence: this.evidenceAround(event, older, newer), value: found.size };
  }

  protected override describe(node: number, event: BookingEvent): void {
    this.#handles.set(node, this.#values.hold(this.#valueOf(event)));
  }

  protected override release(node: number): void {
    this.#values.release(this.#handles.get(node));
  }

  protected override writeEntry(out: ByteWriter, node: number): void {
    writeScalar(out, this.#values.valueOf(this.#handles.get(node)));
  }

  protected override readEntry(from: ByteReader, node: number): void {
    this.#handles.set(node, this.#values.hold(readScalar(from)));
  }

  /** A scalar: the rule matches no other event. */
  #valueOf(event: BookingEvent): Scalar {
    return event[this.#condition.field as keyof BookingEvent] as Scalar;
  }
}

class DifferentValues implements RunTotal {
  ofEvent = newValue;
  readonly #atLeast: number;
  readonly #handles: NodeColumn;
  /** Events of the run by value. */
  readonly #events = new Map<number, number>();

  constructor(atLeast: number, handles: NodeColumn) {
    this.#atLeast = atLeast;
    this.#handles = handles;
  }

  get reached(): boolean {
    return this.#events.size >= this.#atLeast;
  }

  clear(): void {
    this.#events.clear();
  }

  add(node: number): void {
    const handle = this.#handleOf(node);
    this.#events.set(handle, (this.#events.get(handle) ?? 0) + 1);
  }

  remove(node: number): void {
    const handle = this.#handleOf(node);
    const left = (this.#events.get(handle) ?? 0) - 1;
    if (left > 0) this.#events.set(handle, left);
    else this.#events.delete(handle);
  }

  #handleOf(node: number): number {
    return node === none ? this.ofEvent : this.#handles.get(node);
  }
}
