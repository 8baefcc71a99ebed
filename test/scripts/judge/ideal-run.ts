import { createHash } from 'node:crypto';
import type { SentRecord } from '../../../scripts/generate/send-log.ts';
import { recordsOf } from '../../../scripts/generate/source.ts';
import type { BrokenRecord, Evidence, FoundDeadLetter, SourceRecord, WarehouseRow } from '../../../scripts/judge/evidence.ts';
import { naiveAlerts, type OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';
import { decodeChangeRecord } from '../../../services/lib/events/change-record-codec.ts';
import { hashKeyOf, inRange } from '../../../services/lib/kcl/shards.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer V)[] ? V[] : T[K] };
export type MutableEvidence = Mutable<Evidence>;

const middle = 2n ** 127n;
const ranges = [
  { start: 0n, end: middle - 1n },
  { start: middle, end: 2n ** 128n - 1n },
];
const shardName = (i: number): string => `shardId-00000000000${i}`;
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const loadAfterMs = 2_000;
export const detectAfterMs = 300;

/** The evidence of a run in which everything was done right: what each service would have left behind, without the services. */
export function idealRun(): MutableEvidence {
  const startMs = Date.UTC(2026, 4, 1, 8);
  const faults = { duplicates: 0.05, disorder: 2_000, late: 0.02, future: 0.02, malformed: 0.05 };
  const log: SentRecord[] = [];
  const source: SourceRecord[] = [];
  const deadLetters: FoundDeadLetter[] = [];
  const broken: BrokenRecord[] = [];
  const rows = new Map<string, WarehouseRow>();
  const newest = new Map<string, { bookingId: string; eventId: string; version: number }>();
  const routed: (OracleShard & { records: OracleShard['records'][number][] })[] = ranges.map((range, i) => ({
    shardId: shardName(i),
    parents: [],
    range,
    records: [],
  }));
  for (const { target, partitionKey, data, label, sendAt } of recordsOf({ seed: 7, rate: 40, startMs, durationMs: 15_000, ...faults })) {
    const stream = target === 'changes' ? 'booking-changes' : 'booking-events';
    const shardId = shardName(ranges.findIndex((range) => inRange(hashKeyOf(partitionKey), range)));
    const sequenceNumber = String(1_000 + log.length);
    const at = { shardId, sequenceNumber, sha256: sha256(data) };
    log.push({ ...at, stream, sendAt, answeredAt: sendAt + 5, label });
    if (target === 'changes') source.push(at);
    else broken.push({ ...at, subSequenceNumber: 0 });
    const outcome = decodeChangeRecord(data, sendAt);
    if (outcome.kind === 'deadLetter') {
      const service = target === 'changes' ? 'event-router' : 'redshift-loader';
      deadLetters.push({ ...at, stream, service, subSequenceNumber: 0, reason: outcome.reason });
    }
    if (outcome.kind !== 'ok') continue;
    const event = outcome.value;
    routed.find(({ range }) => inRange(hashKeyOf(event.userId), range))?.records.push({ event, arrival: sendAt + 50 });
    const { eventId, type, userId, occurredAt, bookingId } = event;
    if (!rows.has(eventId)) rows.set(eventId, { eventId, type, userId, occurredAt, loadedAt: sendAt + 5 + loadAfterMs });
    if ((newest.get(bookingId)?.version ?? -1) < event.version) newest.set(bookingId, event);
  }
  const { alerts } = naiveAlerts({ shards: routed, rules: defaultRules });
  const answeredAt = new Map(log.toReversed().map((sent) => [sent.label.eventIds[0], sent.answeredAt]));
  return {
    changesStream: 'booking-changes',
    eventsStream: 'booking-events',
    log,
    source,
    routed,
    broken,
    deadLetters,
    rules: defaultRules,
    storedAlerts: alerts,
    publishedAlerts: alerts.map(({ alertId, triggeredBy }) => ({
      alertId,
      receivedAt: (answeredAt.get(triggeredBy) ?? 0) + detectAfterMs,
    })),
    warehouseRows: [...rows.values()],
    warehouseBookings: [...newest.values()].map(({ bookingId, eventId }) => ({ bookingId, eventId })),
  };
}
