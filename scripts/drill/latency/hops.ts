import { type Percentiles, percentiles } from '../../judge/latency.ts';

/** The moments of one alert on its way, epoch ms. */
export interface Journey {
  /** Kinesis took the change record whose event raised it. */
  readonly changeArrivedAt: number;
  /** Kinesis took that event behind the router. */
  readonly eventArrivedAt: number;
  /** The detector first tried to store it. */
  readonly raisedAt: number;
  /** The subscriber had it. */
  readonly publishedAt: number;
}

export interface Hop {
  readonly name: string;
  readonly ms: Percentiles;
  /** Of the mean of the whole way, 0 to 1. */
  readonly share: number;
}

const spans: readonly (readonly [string, keyof Journey, keyof Journey])[] = [
  ['booking-changes → booking-events', 'changeArrivedAt', 'eventArrivedAt'],
  ['booking-events → alert raised', 'eventArrivedAt', 'raisedAt'],
  ['alert raised → published', 'raisedAt', 'publishedAt'],
  ['the whole way', 'changeArrivedAt', 'publishedAt'],
];

/** Hop by hop, the whole way last. */
export function hopsOf(journeys: readonly Journey[]): Hop[] {
  const mean = (from: keyof Journey, to: keyof Journey): number =>
    journeys.reduce((sum, journey) => sum + journey[to] - journey[from], 0) / Math.max(1, journeys.length);
  const whole = mean('changeArrivedAt', 'publishedAt');
  return spans.map(([name, from, to]) => ({
    name,
    ms: percentiles(journeys.map((journey) => journey[to] - journey[from])),
    share: whole === 0 ? 0 : mean(from, to) / whole,
  }));
}

export function hopTable(hops: readonly Hop[]): string {
  const width = Math.max(...hops.map(({ name }) => name.length));
  const line = (name: string, cells: readonly string[]): string =>
    `  ${name.padEnd(width)}${cells.map((cell) => cell.padStart(9)).join('')}\n`;
  const ms = (n: number): string => `${n.toLocaleString('en-US')} ms`;
  return [
    line('', ['p50', 'p95', 'p99', 'share']),
    ...hops.map(({ name, ms: { p50, p95, p99 }, share }) => line(name, [ms(p50), ms(p95), ms(p99), `${Math.round(share * 100)} %`])),
  ].join('');
}
