import type { BookingEvent } from '../events/booking-event.ts';
import type { ByteReader } from '../windows/snapshot/byte-reader.ts';
import type { ByteWriter } from '../windows/snapshot/byte-writer.ts';
import { none } from '../windows/tables/event-slab.ts';
import { NodeColumn } from '../windows/tables/node-column.ts';
import type { CompiledRule, Condition, RuleTime } from './compile.ts';
import type { Run } from './earliest-run.ts';
import { findFewestRun, type RunTotal } from './fewest-run.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { type Proof, RuleMemory } from './rule-memory.ts';

type Sum = Extract<Condition, { kind: 'sum' }>;

/** `sum`: a total of one field within a span. */
export class SumRule extends RuleMemory {
  readonly #condition: Sum;
  readonly #amounts = new NodeColumn((nodes) => new Float64Array(nodes));
  readonly #run: Run = { older: 0, newer: 0, at: 0 };
  readonly #total: CappedSum;

  constructor(rule: CompiledRule, condition: Sum, time: RuleTime, limits: MemoryLimits) {
    super(rule, condition.withinMs, time, limits);
    this.#condition = condition;
    this.#total = new CappedSum(condition.atLeast, this.#amounts);
  }

  protected override get columnBytes(): number {
    return this.#amounts.bytes;
  }

  protected judge(event: BookingEvent): number | undefined {
    this.#total.ofEvent = this.#amountOf(event);
    return findFewestRun(this, this.#condition.withinMs, this.#total, this.#run) ? this.#run.at : undefined;
  }

  protected prove(event: BookingEvent): Proof {
    const { older, newer } = this.#run;
    const amounts: number[] = [];
    for (let i = 0, node = this.before; i < older; i++, node = this.older(node)) amounts.push(this.#amounts.get(node));
    amounts.reverse();
    amounts.push(this.#amountOf(event));
    for (let i = 0, node = this.after; i < newer; i++, node = this.newer(node)) amounts.push(this.#amounts.get(node));
    return { evidence: this.evidenceAround(event, older, newer), value: amounts.reduce((sum, amount) => sum + amount, 0) };
  }

  protected override describe(node: number, event: BookingEvent): void {
    this.#amounts.set(node, this.#amountOf(event));
  }

  protected override writeEntry(out: ByteWriter, node: number): void {
    out.uint(this.#amounts.get(node));
  }

  protected override readEntry(from: ByteReader, node: number): void {
    this.#amounts.set(node, from.uint());
  }

  /** A non-negative safe integer: the rule matches no other event. */
  #amountOf(event: BookingEvent): number {
    return event[this.#condition.field as keyof BookingEvent] as number;
  }
}

/**
 * Counts no amount for more than the total that is asked for. That changes no answer, and as this is at most 2^40, thousands of
 * amounts are added and taken away without rounding.
 */
class CappedSum implements RunTotal {
  ofEvent = 0;
  readonly #atLeast: number;
  readonly #amounts: NodeColumn;
  #sum = 0;

  constructor(atLeast: number, amounts: NodeColumn) {
    this.#atLeast = atLeast;
    this.#amounts = amounts;
  }

  get reached(): boolean {
    return this.#sum >= this.#atLeast;
  }

  clear(): void {
    this.#sum = 0;
  }

  add(node: number): void {
    this.#sum += this.#capped(node);
  }

  remove(node: number): void {
    this.#sum -= this.#capped(node);
  }

  #capped(node: number): number {
    return Math.min(node === none ? this.ofEvent : this.#amounts.get(node), this.#atLeast);
  }
}
