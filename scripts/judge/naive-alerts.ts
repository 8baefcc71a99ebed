import { createHash } from 'node:crypto';
import type { BookingEvent } from '../../services/lib/events/booking-event.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import { find, ms } from './naive-rules.ts';

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

export interface OracleInput {
  readonly shards: readonly OracleShard[];
  readonly rules: RulesFile;
}

export interface OracleResult {
  /** Shard by shard, parents first, in the order in which they are raised. */
  readonly alerts: Alert[];
  readonly skipped: { late: number; future: number; duplicate: number };
}

/**
 * What the fraud rules must raise, by the plainest reading of their semantics: at least quadratic per key, nothing
 * forgotten, no code shared with the engine it judges.
 */
export function naiveAlerts({ shards, rules }: OracleInput): OracleResult {
  const disorder = ms(rules.time.disorder);
  const lateness = ms(rules.time.lateness);
  const maxAhead = ms(rules.time.maxAhead);
  const alerts: Alert[] = [];
  const skipped = { late: 0, future: 0, duplicate: 0 };
  const newestUsed = new Map<string, number>(); // by shard
  const usedById = new Map<string, BookingEvent[]>();
  const usedByKey = new Map<string, BookingEvent[]>(); // a key lives in one shard at a time, so this follows the lineage by itself
  const raisedByRuleAndKey = new Map<string, Alert[]>();
  const byId = new Map(shards.map((shard) => [shard.shardId, shard]));

  /** The shard's own watermark or the highest that any ancestor reached for this hash. */
  function watermark(shard: OracleShard, hash: bigint): number {
    let result = (newestUsed.get(shard.shardId) ?? Number.NEGATIVE_INFINITY) - disorder;
    for (const id of shard.parents) {
      const parent = byId.get(id);
      if (parent !== undefined && contains(parent, hash)) result = Math.max(result, watermark(parent, hash));
    }
    return result;
  }

  function wasUsed(shard: OracleShard, eventId: string): boolean {
    return (usedById.get(eventId) ?? []).some((used) => {
      const hash = md5(used.userId);
      return contains(shard, hash) && used.occurredAt >= watermark(shard, hash) - lateness;
    });
  }

  for (const shard of parentsFirst(shards)) {
    for (const { event, arrival } of shard.records) {
      const key = event.userId;
      if (event.occurredAt > arrival + maxAhead) {
        skipped.future++;
        continue;
      }
      if (event.occurredAt < watermark(shard, md5(key)) - lateness) {
        skipped.late++;
        continue;
      }
      if (wasUsed(shard, event.eventId)) {
        skipped.duplicate++;
        continue;
      }
      append(usedById, event.eventId, event);
      append(usedByKey, key, event);
      newestUsed.set(shard.shardId, Math.max(newestUsed.get(shard.shardId) ?? event.occurredAt, event.occurredAt));

      for (const rule of rules.rules) {
        if (rule.mode === 'off') continue;
        const found = find(rule, usedByKey.get(key) ?? [], event);
        const newest = found?.evidence.at(-1);
        if (found === undefined || newest === undefined) continue;
        const { evidence, value } = found;
        const episode = JSON.stringify([rule.id, rule.version, key]);
        const lastAt = Math.max(...(raisedByRuleAndKey.get(episode) ?? []).map((alert) => alert.at));
        if (newest.occurredAt <= lastAt + ms(rule.cooldown ?? 'PT0S')) continue;
        const shown = evidence.length <= 100 ? evidence : [...evidence.slice(0, 50), ...evidence.slice(evidence.length - 50)];
        const alert: Alert = {
          alertId: hex('sha256', JSON.stringify([rule.id, rule.version, key, newest.eventId])).slice(0, 32),
          ruleId: rule.id,
          ruleVersion: rule.version,
          mode: rule.mode,
          severity: rule.severity,
          key,
          at: newest.occurredAt,
          triggeredBy: event.eventId,
          value,
          evidenceCount: evidence.length,
          evidence: shown.map(({ eventId, occurredAt }) => ({ eventId, occurredAt })),
        };
        append(raisedByRuleAndKey, episode, alert);
        alerts.push(alert);
      }
    }
  }
  return { alerts, skipped };
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
