import type { Fate } from '../scheduler.ts';

export interface Scenario {
  readonly seed: number;
  /** From the beginning; each of them may have a child, which starts when it has ended. */
  readonly shards: number;
  readonly children: number;
  readonly recordsPerShard: number;
  /** Chance of each call that it does not simply run. */
  readonly faultRate: number;
  /** Chance of an event that the warehouse refuses. */
  readonly poison: number;
  /**
   * Simulated ms. 0 is safe only where nothing but an append names an object: no line is refused, no file repaired.
   * Else longer than any process waits for its turn between a PUT and what names it.
   */
  readonly orphanAgeMs: number;
  /** Staged objects that vanish or rot before they are loaded. */
  readonly damages: number;
  /** Instead of chance: the n-th call of the run has this fate, all others run. */
  readonly script?: { readonly at: number; readonly fate: Fate };
}

export function scenarioOf(seed: number): Scenario {
  const poison = [0.05, 0, 0.15][seed % 3] ?? 0;
  const damages = [0, 0, 1, 3][seed % 4] ?? 0;
  const orphanAgeMs = poison === 0 && damages === 0 ? 0 : 600_000;
  return { seed, shards: 2, children: seed % 3, recordsPerShard: 14, faultRate: 0.04, poison, damages, orphanAgeMs };
}

export const plainScenario: Scenario = {
  seed: 99,
  shards: 2,
  children: 0,
  recordsPerShard: 6,
  faultRate: 0,
  poison: 0.1,
  damages: 1,
  orphanAgeMs: 600_000,
};
