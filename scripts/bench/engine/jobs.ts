import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import type { HashRange } from '../../../services/lib/kcl/shards.ts';
import { type CompiledRules, compileRules } from '../../../services/lib/rules/compile.ts';
import { type Applied, ShardState } from '../../../services/lib/rules/shard-state.ts';
import { WindowCounts } from '../../../services/lib/windows/counts/window-counts.ts';
import { plainRule, plainWindows, WindowDigest } from './plain-models.ts';
import { disorderMs } from './traffic.ts';

const minute = 60_000;
const maxDelayMs = 15_000;
export const wholeRange: HashRange = { start: 0n, end: 2n ** 128n - 1n };
const times = { disorder: disorderMs, maxDelay: maxDelayMs };

/** Something that is given events and tells what it finds. */
export interface Job {
  apply(event: BookingEvent): void;
  /** What it told since the last call, as lines that can be compared. */
  take(): string[];
}

export interface Contest {
  readonly name: string;
  readonly label: string;
  /** Events a core-second that the step alone must reach, from parsed fields. */
  readonly bar: number;
  /** What Flink 2.1.x reached on a comparable machine, from JSON, events a core-second. */
  readonly flink: string;
  readonly engine: () => Job;
  readonly plain: () => Job;
}

/** Job (a): the rule that comes with the build. */
export const rulesWith = (latenessMs: number): CompiledRules =>
  compileRules({
    ...defaultRules,
    time: { disorder: `PT${disorderMs / 1_000}S`, lateness: `PT${latenessMs / 1_000}S`, maxAhead: 'PT5M' },
  });

export const contests: readonly Contest[] = [
  {
    name: 'rule',
    label: '(a) 3 cancels in 10 min per user',
    bar: 1_500_000,
    flink: '175-190 k',
    engine: ruleJob,
    plain: () => plainRule('cancelled', 3, 10 * minute, 60 * minute, times),
  },
  {
    name: 'tumbling',
    label: '(b) tumbling 1 min per tour',
    bar: 2_000_000,
    flink: '226 k',
    engine: () => windowJob(({ tourId }) => tourId, minute, minute),
    plain: () => plainWindows(({ tourId }) => tourId, minute, minute, times),
  },
  {
    name: 'hopping',
    label: '(c) hopping 10 min / 10 s per user',
    bar: 1_000_000,
    flink: '11 k (20,000 users), 5 k (200,000)',
    engine: () => windowJob(({ userId }) => userId, 10 * minute, minute / 6),
    plain: () => plainWindows(({ userId }) => userId, 10 * minute, minute / 6, times),
  },
];

function ruleJob(): Job {
  const state = ShardState.empty(rulesWith(maxDelayMs), wholeRange);
  const told: Applied[] = [];
  return {
    apply(event) {
      const applied = state.apply(event, undefined);
      if (applied.kind === 'used' && applied.alerts.length > 0) told.push(applied);
    },
    take: () =>
      told
        .splice(0)
        .flatMap((applied) => (applied.kind === 'used' ? applied.alerts : []))
        .map(({ key, at, evidence }) => `${key} ${at} ${evidence.map(({ eventId }) => eventId).join(' ')}`),
  };
}

function windowJob(keyOf: (event: BookingEvent) => string, size: number, slide: number): Job {
  const digests: WindowDigest[] = [];
  let last = Number.NaN;
  let digest = new WindowDigest(0);
  const counts = new WindowCounts({ size, slide, disorder: disorderMs, maxDelay: maxDelayMs }, ({ end, count }) => {
    if (end !== last) digests.push((digest = new WindowDigest((last = end))));
    digest.add(count);
  });
  return {
    apply: (event) => {
      counts.add(keyOf(event), event.eventId, event.occurredAt);
    },
    take: () => digests.splice(0).map(({ text }) => text),
  };
}
