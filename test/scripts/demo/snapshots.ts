import type { Snapshot } from '../../../scripts/demo/snapshot.ts';

export const snapshotAt = (now: number, more: Partial<Snapshot> = {}): Snapshot => ({
  phase: 'running',
  now,
  sendingSince: 0,
  sendingUntil: 60_000,
  services: [{ name: 'event-router', state: 'running', starts: 1 }],
  totals: { sent: 12_345, routed: 11_000, alerts: 3, locks: 2, rows: 10_000, repeats: 4 },
  drops: { 'no-op': 7 },
  deadLetters: { 'not-json': 2, 'not-utf8': 3 },
  skipped: {},
  rates: { sent: 300, routed: 280, rows: 270 },
  history: [],
  lag: [
    { service: 'event-router', shard: 'shardId-000000000000', ms: 100 },
    { service: 'event-router', shard: 'shardId-000000000001', ms: 1_200 },
  ],
  dataAsOf: undefined,
  detect: { p50: 600, p95: 900 },
  alerts: [],
  disturbances: [],
  conclusion: undefined,
  ...more,
});
