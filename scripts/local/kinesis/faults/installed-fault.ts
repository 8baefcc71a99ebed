import type { Fault } from './fault-schema.ts';
import { randomOf } from './random.ts';
import type { Target } from './subject.ts';

/** A fault as GET /_local/faults shows it. */
export type ListedFault = Fault & {
  readonly id: string;
  /** `waiting` for fromMs, `active`, or `over`: past forMs, or struck `times` times. */
  readonly state: 'waiting' | 'active' | 'over';
  /** Epoch ms. */
  readonly setAtMs: number;
  /** How many it could have struck, and how many it struck: requests, but records for skew. */
  readonly considered: number;
  readonly applied: number;
};

/** One fault at work: whom it is for, whether it strikes now, and its counts. */
export class InstalledFault<F extends Fault = Fault> {
  readonly id: string;
  readonly fault: F;
  readonly random: () => number;
  readonly #setAtMs: number;
  readonly #operations: ReadonlySet<string> | undefined;
  #considered = 0;
  #applied = 0;

  constructor(fault: F, id: string, seed: number, nowMs: number) {
    this.id = id;
    this.fault = fault;
    this.random = randomOf(seed, id);
    this.#setAtMs = nowMs;
    this.#operations = 'operations' in fault && fault.operations !== undefined ? new Set(fault.operations) : undefined;
  }

  /** Whether it strikes this one. One draw for each considered, so that the same requests meet the same faults. */
  strikes(operation: string, target: Target, nowMs: number): boolean {
    if (this.#state(nowMs) !== 'active' || !this.#isFor(operation, target)) return false;
    const { after = 0, probability = 1 } = this.fault;
    this.#considered += 1;
    if (this.random() >= probability || this.#considered <= after) return false;
    this.#applied += 1;
    return true;
  }

  list(nowMs: number): ListedFault {
    const counts = { considered: this.#considered, applied: this.#applied };
    return { ...this.fault, id: this.id, state: this.#state(nowMs), setAtMs: this.#setAtMs, ...counts };
  }

  #isFor(operation: string, target: Target): boolean {
    const { fault } = this;
    if (this.#operations !== undefined && !this.#operations.has(operation)) return false;
    if (fault.stream !== undefined && fault.stream !== target.stream) return false;
    if ('consumer' in fault && fault.consumer !== undefined && fault.consumer !== target.consumer) return false;
    return fault.shard === undefined || target.touches(fault.shard);
  }

  #state(nowMs: number): ListedFault['state'] {
    const { fromMs = 0, forMs = Number.POSITIVE_INFINITY, times = Number.POSITIVE_INFINITY } = this.fault;
    const elapsedMs = nowMs - this.#setAtMs - fromMs;
    if (this.#applied >= times || elapsedMs >= forMs) return 'over';
    return elapsedMs < 0 ? 'waiting' : 'active';
  }
}
