import type { Delivery } from './evidence.ts';

/** Put to processRecords, of records put in [from, until). Times in ms. */
export interface Latency {
  readonly records: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/** Percentiles by nearest rank. */
export function latencyOf(deliveries: readonly Delivery[], spans: readonly Span[]): Latency {
  const sorted = deliveries
    .filter(({ putAt }) => spans.some(({ from, until }) => putAt >= from && putAt < until))
    .map(({ putAt, at }) => at - putAt)
    .sort((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { records: sorted.length, p50: rank(0.5), p95: rank(0.95), max: rank(1) };
}
