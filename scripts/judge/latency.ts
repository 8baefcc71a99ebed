import { alertIdOf, type Evidence } from './evidence.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface Latencies {
  /** PutRecords answered on the change stream to alert published. */
  readonly detect: Percentiles;
  /** PutRecords answered on the change stream to committed in the warehouse. */
  readonly load: Percentiles;
}

/** Nearest rank, ms; zeros when there is nothing to rank. */
export function percentiles(samples: readonly number[]): Percentiles {
  const sorted = Float64Array.from(samples).sort();
  const at = (p: number): number => Math.round(sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? 0);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

export function latencies(evidence: Pick<Evidence, 'log' | 'storedAlerts' | 'publishedAlerts' | 'warehouseRows'>): Latencies {
  const answeredAt = new Map<string, number>();
  for (const sent of evidence.log) {
    const [eventId] = sent.label.eventIds;
    if (sent.label.expect !== 'routed' || eventId === undefined) continue;
    answeredAt.set(eventId, Math.min(answeredAt.get(eventId) ?? Number.POSITIVE_INFINITY, sent.answeredAt));
  }
  const publishedAt = new Map<string, number>();
  for (const published of evidence.publishedAlerts) {
    const alertId = alertIdOf(published) ?? '';
    publishedAt.set(alertId, Math.min(publishedAt.get(alertId) ?? Number.POSITIVE_INFINITY, published.receivedAt));
  }
  const since = (eventId: string, until: number | undefined): number[] => {
    const from = answeredAt.get(eventId);
    return from === undefined || until === undefined ? [] : [until - from];
  };
  return {
    detect: percentiles(evidence.storedAlerts.flatMap(({ alert }) => since(alert.triggeredBy, publishedAt.get(alert.alertId)))),
    load: percentiles(evidence.warehouseRows.flatMap((row) => since(row.eventId, row.loadedAt))),
  };
}
