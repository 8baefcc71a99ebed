import type { BookingEvent } from '../events/booking-event.ts';
import type { CompiledRule, Condition, RuleTime } from './compile.ts';
import { findEarliestRun, type Run } from './earliest-run.ts';
import type { MemoryLimits } from './memory-limits.ts';
import { type Proof, RuleMemory } from './rule-memory.ts';

/** `count`: so many events within a span. */
export class CountRule extends RuleMemory {
  readonly #condition: Extract<Condition, { kind: 'count' }>;
  readonly #run: Run = { older: 0, newer: 0, at: 0 };

  constructor(rule: CompiledRule, condition: Extract<Condition, { kind: 'count' }>, time: RuleTime, limits: MemoryLimits) {
    super(rule, condition.withinMs, time, limits);
    this.#condition = condition;
  }

  protected judge(): number | undefined {
    const { atLeast, withinMs } = this.#condition;
    return findEarliestRun(this, atLeast, withinMs, this.#run) ? this.#run.at : undefined;
  }

  protected prove(event: BookingEvent): Proof {
    const evidence = this.evidenceAround(event, this.#run.older, this.#run.newer);
    return { evidence, value: evidence.length };
  }
}
