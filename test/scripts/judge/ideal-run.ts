import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { SentRecord } from '../../../scripts/generate/send-log.ts';
import { recordsOf } from '../../../scripts/generate/source.ts';
import type {
  BrokenRecord,
  Evidence,
  FoundAlert,
  FoundDeadLetter,
  HourlyRow,
  LedgerRow,
  SourceRecord,
  WarehouseEvent,
  WarehouseRow,
} from '../../../scripts/judge/evidence.ts';
import { naiveAlerts, type OracleShard } from '../../../scripts/judge/naive-alerts.ts';
import { defaultRules } from '../../../services/fraud-detector/default-rules.ts';
import { decodeChangeRecord } from '../../../services/lib/events/change-record-codec.ts';
import { position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import { hashKeyOf, inRange } from '../../../services/lib/kcl/shards.ts';
import type { Alert } from '../../../services/lib/rules/alert.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer V)[] ? V[] : T[K] };
export type MutableEvidence = Mutable<Evidence>;

const middle = 2n ** 127n;
const ranges = [
  { start: 0n, end: middle - 1n },
  { start: middle, end: 2n ** 128n - 1n },
];
const shardName = (i: number): string => `shardId-00000000000${i}`;
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const filesPerShard = 2;
const loadAfterMs = 2_000;
export const detectAfterMs = 300;

const loaderOf = (shardId: string) => ({ application: 'redshift-loader', streamId: 'booking-events@1777622400', shardId });

/** As the detector stores it. */
export function foundAlert(alert: Alert): FoundAlert {
  const { alertId, ruleId, ruleVersion, mode, severity, key, at } = alert;
  return { alert, action: 'lock', warming: false, columns: { alertId, ruleId, ruleVersion, mode, severity, key, at } };
}

/** The evidence of a run in which everything was done right: what each service would have left behind, without the services. */
export function idealRun(): MutableEvidence {
  const startMs = Date.UTC(2026, 4, 1, 8);
  const faults = { duplicates: 0.05, disorder: 2_000, late: 0.02, future: 0.02, malformed: 0.05 };
  const log: SentRecord[] = [];
  const source: SourceRecord[] = [];
  const deadLetters: FoundDeadLetter[] = [];
  const broken: BrokenRecord[] = [];
  const rows = new Map<string, WarehouseRow>();
  const copied = new Map<string, number>();
  const newest = new Map<string, WarehouseEvent>();
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
    const shard = routed.find(({ range }) => inRange(hashKeyOf(event.userId), range));
    assert.ok(shard);
    shard.records.push({ event, arrival: sendAt + 50 });
    const { schemaVersion: _schemaVersion, extra: _extra, traceparent: _traceparent, ...columns } = event;
    const fileId = `${shard.shardId} file ${shard.records.length % filesPerShard}`;
    copied.set(fileId, (copied.get(fileId) ?? 0) + 1);
    if (!rows.has(event.eventId)) rows.set(event.eventId, { ...columns, fileId, loadedAt: sendAt + 5 + loadAfterMs });
    if ((newest.get(event.bookingId)?.version ?? -1) < event.version) newest.set(event.bookingId, columns);
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
    poisoned: [],
    storedAlerts: alerts.map(foundAlert),
    lockingAlerts: alerts.map(({ alertId, key }) => ({ alertId, userId: key })),
    publishedAlerts: alerts.map((alert) => ({
      message: alert,
      attributes: { severity: alert.severity, ruleId: alert.ruleId, mode: alert.mode, action: 'lock' },
      receivedAt: (answeredAt.get(alert.triggeredBy) ?? 0) + detectAfterMs,
    })),
    warehouseRows: [...rows.values()],
    warehouseBookings: [...newest.values()],
    ledger: routed.flatMap(({ shardId }) =>
      Array.from({ length: filesPerShard }, (_, i): LedgerRow => {
        const fileId = `${shardId} file ${i}`;
        return {
          ...loaderOf(shardId),
          fileId,
          from: i === 0 ? trimHorizon : position(String(i)),
          to: position(String(i + 1)),
          copied: copied.get(fileId) ?? 0,
          inserted: [...rows.values()].filter((row) => row.fileId === fileId).length,
          quarantined: 0,
          loadedAt: startMs,
        };
      }),
    ),
    watermarks: routed.map(({ shardId }) => ({ ...loaderOf(shardId), position: position(String(filesPerShard)) })),
    warehouseAlerts: alerts.map((alert) => foundAlert(alert).columns),
    quarantine: [],
    hourly: [...rows.values()].map(hourOfOne).reduce(addHour, []),
    refused: [],
  };
}

const hourMs = 3_600_000;

/** What one event adds to kpi_hourly. */
function hourOfOne({ type, occurredAt, tourId, channel, currency, seats, amountMinor }: WarehouseEvent): HourlyRow {
  const start = occurredAt - (occurredAt % hourMs);
  const of = (kind: string, n: number): string => String(type === kind ? n : 0);
  return {
    key: `${start}|${new Date(start).toISOString().slice(0, 10)}|${tourId}|${channel}|${currency}`,
    measures: {
      reserved: of('reserved', 1),
      cancelled: of('cancelled', 1),
      changed: of('changed', 1),
      expired: of('expired', 1),
      seats_reserved: of('reserved', seats),
      seats_cancelled: of('cancelled', seats),
      amount_reserved_minor: of('reserved', amountMinor),
      amount_cancelled_minor: of('cancelled', amountMinor),
    },
  };
}

function addHour(all: HourlyRow[], one: HourlyRow): HourlyRow[] {
  const at = all.findIndex(({ key }) => key === one.key);
  const known = all[at];
  if (known === undefined) return [...all, one];
  const measures = Object.fromEntries(
    Object.entries(known.measures).map(([name, n]) => [
      name,
      String(Number(n) + Number(one.measures[name as keyof HourlyRow['measures']])),
    ]),
  ) as HourlyRow['measures'];
  return all.with(at, { ...known, measures });
}
