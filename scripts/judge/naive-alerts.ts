import { createHash } from 'node:crypto';
import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { Rule, RulesFile } from '../../services/lib/rules/rules-file.ts';
import { goOn, type Lives, merged, nameOf } from './naive-memory.ts';
import { type Finding, find, ms } from './naive-rules.ts';

/** One shard's events in shard order, aggregates taken apart, strays and bad records left out. */
export interface OracleShard {
  readonly shardId: string;
  /** Ids that are not among the shards given (trimmed ancestors) are passed over. */
  readonly parents: readonly string[];
  /** Both ends inclusive. */
  readonly range: { readonly start: bigint; readonly end: bigint };
  /** `arrival`: approximateArrivalTimestamp, epoch ms; Infinity where there is none (a file), then nothing is from the future. */
  readonly records: readonly { readonly event: BookingEvent; readonly arrival: number }[];
}

/** Rules in force on a shard from its first record on that arrived at or after `activeFrom` (epoch ms), until a later one is. */
export interface OracleGeneration {
  readonly generation: number;
  readonly activeFrom: number;
  readonly rules: RulesFile;
}

export interface OracleInput {
  readonly shards: readonly OracleShard[];
  /** One file for all, or generations in rising order. */
  readonly rules: RulesFile | readonly OracleGeneration[];
}

export interface OracleResult {
  /** Shard by shard, parents first, in the order in which they are raised. */
  readonly alerts: Alert[];
  /** Ids of alerts that may lack evidence, because their rule was new. */
  readonly warming: ReadonlySet<string>;
  readonly skipped: { late: number; future: number; duplicate: number };
}

/** What a shard has come to. */
interface Progress {
  readonly shard: OracleShard;
  readonly parents: readonly Progress[];
  generation: OracleGeneration | undefined;
  lives: Lives;
  /** Of its own events. */
  watermark: number;
  /** What is older is late, and stays so under rules with a longer lateness. */
  horizon: number;
  /** occurredAt of the newest event used here or by an ancestor. */
  newest: number;
}

/**
 * What the fraud rules must raise, by the plainest reading of their semantics: at least quadratic per key, nothing
 * forgotten, no code shared with the engine it judges.
 */
export function naiveAlerts({ shards, rules }: OracleInput): OracleResult {
  const generations = 'rules' in rules ? [{ generation: 1, activeFrom: Number.NEGATIVE_INFINITY, rules }] : rules;
  const alerts: Alert[] = [];
  const warming = new Set<string>();
  const skipped = { late: 0, future: 0, duplicate: 0 };
  const usedById = new Map<string, BookingEvent[]>();
  const progressOf = new Map<string, Progress>();

  function isUsed(progress: Progress, eventId: string): boolean {
    return (usedById.get(eventId) ?? []).some((used) => {
      const hash = md5(used.userId);
      return contains(progress.shard, hash) && used.occurredAt >= horizonOf(progress, hash);
    });
  }

  for (const shard of parentsFirst(shards)) {
    const progress = begin(
      shard,
      shard.parents.map((id) => progressOf.get(id)).filter((parent) => parent !== undefined),
    );
    progressOf.set(shard.shardId, progress);
    for (const { event, arrival } of shard.records) {
      const next = generations.findLast(({ activeFrom }) => activeFrom <= arrival);
      if (next !== undefined && next.generation > (progress.generation?.generation ?? 0)) switchTo(progress, next);
      if (progress.generation === undefined) throw new RangeError('a record before the first generation of rules');
      const { time, rules: inForce } = progress.generation.rules;
      const key = event.userId;
      if (event.occurredAt > arrival + ms(time.maxAhead)) {
        skipped.future++;
        continue;
      }
      if (event.occurredAt < horizonOf(progress, md5(key))) {
        skipped.late++;
        continue;
      }
      if (isUsed(progress, event.eventId)) {
        skipped.duplicate++;
        continue;
      }
      append(usedById, event.eventId, event);
      progress.newest = Math.max(progress.newest, event.occurredAt);
      progress.watermark = Math.max(progress.watermark, event.occurredAt - ms(time.disorder));
      progress.horizon = Math.max(progress.horizon, progress.watermark - ms(time.lateness));

      for (const rule of inForce) {
        const life = progress.lives.get(nameOf(rule));
        if (life === undefined) continue;
        append(life.used, key, event);
        const found = find(rule, life.used.get(key) ?? [], event);
        const newest = found?.evidence.at(-1);
        if (found === undefined || newest === undefined) continue;
        const lastAt = Math.max(...(life.raised.get(key) ?? []).map((alert) => alert.at));
        if (newest.occurredAt <= lastAt + ms(rule.cooldown ?? 'PT0S')) continue;
        const alert = alertOf(rule, event, newest, found);
        append(life.raised, key, alert);
        alerts.push(alert);
        if (alert.at <= life.warmingUntil) warming.add(alert.alertId);
      }
    }
  }
  return { alerts, warming, skipped };
}

/** A child goes on with the newest rules of its parents. */
function begin(shard: OracleShard, parents: readonly Progress[]): Progress {
  const newest = parents.toSorted((a, b) => (a.generation?.generation ?? 0) - (b.generation?.generation ?? 0)).at(-1)?.generation;
  const rules = newest?.rules.rules ?? [];
  const lives = merged(
    rules,
    parents.map((parent) => ({
      lives: goOn(parent.lives, rules, parent.newest),
      owns: (key) => contains(parent.shard, md5(key)) && contains(shard, md5(key)),
    })),
  );
  const never = Number.NEGATIVE_INFINITY;
  return { shard, parents, generation: newest, lives, watermark: never, horizon: never, newest: Math.max(...parents.map((p) => p.newest)) };
}

function switchTo(progress: Progress, next: OracleGeneration): void {
  progress.generation = next;
  progress.lives = goOn(progress.lives, next.rules.rules, progress.newest);
  progress.horizon = Math.max(progress.horizon, progress.watermark - ms(next.rules.time.lateness));
}

/** Of a key with this hash: the shard's own or the highest that any ancestor reached for it. */
function horizonOf({ horizon, parents }: Progress, hash: bigint): number {
  return Math.max(horizon, ...parents.filter(({ shard }) => contains(shard, hash)).map((parent) => horizonOf(parent, hash)));
}

function alertOf(rule: Rule, event: BookingEvent, newest: BookingEvent, { evidence, value }: Finding): Alert {
  const shown = evidence.length <= 100 ? evidence : [...evidence.slice(0, 50), ...evidence.slice(evidence.length - 50)];
  return {
    alertId: hex('sha256', JSON.stringify([rule.id, rule.version, event.userId, newest.eventId])).slice(0, 32),
    ruleId: rule.id,
    ruleVersion: rule.version,
    mode: rule.mode,
    severity: rule.severity,
    key: event.userId,
    at: newest.occurredAt,
    triggeredBy: event.eventId,
    value,
    evidenceCount: evidence.length,
    evidence: shown.map(({ eventId, occurredAt }) => ({ eventId, occurredAt })),
  };
}

function parentsFirst(shards: readonly OracleShard[]): OracleShard[] {
  const ordered: OracleShard[] = [];
  const visit = (shard: OracleShard): void => {
    if (ordered.includes(shard)) return;
    for (const parent of shards) if (shard.parents.includes(parent.shardId)) visit(parent);
    ordered.push(shard);
  };
  for (const shard of shards) visit(shard);
  return ordered;
}

const hex = (algorithm: string, text: string): string => createHash(algorithm).update(text, 'utf8').digest('hex');
const md5 = (key: string): bigint => BigInt(`0x${hex('md5', key)}`);
const contains = (shard: OracleShard, hash: bigint): boolean => shard.range.start <= hash && hash <= shard.range.end;

function append<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}
