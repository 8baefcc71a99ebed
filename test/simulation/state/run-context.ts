import { PlatformError } from '../../../services/lib/process/errors.ts';
import type { Actor, Scheduler } from '../scheduler.ts';
import type { Violation } from '../simulation.ts';

/** Counted while a run goes on. */
export interface Figures {
  calls: number;
  faults: number;
  crashes: number;
  starts: number;
  takeovers: number;
  reshards: number;
  cleanStops: number;
  damaged: number;
  poisonDeaths: number;
  /** That the oracle expects. */
  alerts: number;
}

export const noFigures = (): Figures => ({
  calls: 0,
  faults: 0,
  crashes: 0,
  starts: 0,
  takeovers: 0,
  reshards: 0,
  cleanStops: 0,
  damaged: 0,
  poisonDeaths: 0,
  alerts: 0,
});

/** Shared by all parts of one run. */
export class RunContext {
  readonly scheduler: Scheduler;
  readonly figures = noFigures();
  readonly violations: Violation[] = [];

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  violate(rule: string, what: string): void {
    this.violations.push({ rule, what });
    this.scheduler.trace.push(`VIOLATION ${rule}: ${what}`);
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    return Math.floor(this.scheduler.random() * below);
  }

  chance(of: number): boolean {
    return this.scheduler.random() < of;
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.int(from.length)];
  }

  /** A call of a process to something outside it, at which it can die, fail, or miss the answer. */
  ask<T>(actor: Actor, label: string, away: () => Error, effect: () => T): Promise<T> {
    return this.scheduler.call(actor, label, async () => effect(), away);
  }
}

export const tableAway = (): Error => new PlatformError('TABLE_UNAVAILABLE', 'no answer', { retriable: true });
export const storeAway = (): Error => new PlatformError('OBJECT_UNAVAILABLE', 'no answer', { retriable: true });
export const streamAway = (): Error => new PlatformError('STREAM_UNAVAILABLE', 'no answer', { retriable: true });
