import { type Fate, randomOf } from '../scheduler.ts';

/** What happens in one run. Numbers of things that happen to it are spread over the run at random. */
export interface Scenario {
  readonly seed: number;
  readonly shards: number;
  readonly puts: number;
  readonly reshards: number;
  /** Chance of each call that it does not simply run. */
  readonly faultRate: number;
  readonly steals: number;
  /** Of a worker with all its processes. */
  readonly kills: number;
  readonly cleanStops: number;
  readonly damages: number;
  /** Chance that an object is stored otherwise than it was sent. */
  readonly rotAtBirth: number;
  /** Chance that a shard's last snapshot is damaged as soon as its row points at it, before a child has read it. */
  readonly rottenFinals: number;
  readonly checkpointsAhead: number;
  readonly lostRows: number;
  readonly trims: number;
  readonly poison: number;
  /** Share of records that make the state throw. */
  readonly throwing: number;
  readonly snapshotIntervalMs: number;
  readonly failoverMs: number;
  /** Instead of chance: the n-th call of the run has this fate, all others run. */
  readonly script?: { readonly at: number; readonly fate: Fate };
}

/** A mixture for each seed: a fault must be met both alone and in company. */
export function scenarioOf(seed: number): Scenario {
  const random = randomOf(seed * 7_919);
  const upTo = (n: number): number => Math.floor(random() * (n + 1));
  const sometimes = (share: number, n: number): number => (random() < share ? 1 + upTo(n - 1) : 0);
  const lostRows = sometimes(0.2, 2);
  return {
    seed,
    shards: 1 + upTo(1),
    puts: 15 + upTo(30),
    reshards: upTo(3),
    faultRate: random() < 0.2 ? 0 : 0.005 + random() * 0.03,
    steals: upTo(5),
    kills: upTo(3),
    cleanStops: upTo(3),
    damages: sometimes(0.5, 5),
    rotAtBirth: random() < 0.25 ? 0.1 : 0,
    checkpointsAhead: sometimes(0.3, 2),
    lostRows,
    trims: sometimes(0.25, 4),
    poison: lostRows > 0 ? 0 : sometimes(0.3, 2), // what is to be skipped is known by the row alone
    throwing: random() < 0.3 ? 0.08 : 0,
    snapshotIntervalMs: [60, 200, 600][upTo(2)] ?? 200,
    failoverMs: [200, 600, 1_500][upTo(2)] ?? 600,
    rottenFinals: random() < 0.3 ? 0.5 : 0,
  };
}

/** One run without chance, but with a take-over, a clean stop and both kinds of reshard: its calls are failed one by one. */
export const plainScenario: Scenario = {
  seed: 4,
  shards: 1,
  puts: 9,
  reshards: 2,
  faultRate: 0,
  steals: 1,
  kills: 0,
  cleanStops: 1,
  damages: 0,
  rotAtBirth: 0,
  rottenFinals: 0,
  checkpointsAhead: 0,
  lostRows: 0,
  trims: 0,
  poison: 0,
  throwing: 0,
  snapshotIntervalMs: 60,
  failoverMs: 200,
};
