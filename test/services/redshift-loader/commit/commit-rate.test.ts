import assert from 'node:assert/strict';
import pino from 'pino';
import { type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { CommitRounds } from '../../../../services/redshift-loader/commit/commit-round.ts';
import { startCommitter } from '../../../../services/redshift-loader/commit/committer.ts';
import type { FileRow } from '../../../../services/redshift-loader/registry/registry-rows.ts';
import { redshiftLoader } from '../../../../services/redshift-loader/service.ts';
import { MemoryRegistry, MemoryStore } from '../memory.ts';
import { fakeWarehouse } from './fake-warehouse.ts';

const { FLUSH_AGE_MS: flushAge, COMMIT_INTERVAL_MS: commitInterval, COMMIT_MAX_FILES: maxFiles } = redshiftLoader.config;
/** As configured by default. */
const flushAgeMs = flushAge.parse(undefined);
const intervalMs = commitInterval.parse(undefined);
const limits = { maxFiles: maxFiles.parse(undefined), maxBytes: 1e9 };
const transactionMs = 8_000;
const log = pino({ level: 'silent' });

/** Shards that register a file each flush age, one after the other, for half an hour; the first ten minutes do not count. */
async function steadyState(shards: number) {
  const clock = { now: 1_800_000_000_000 };
  const begin = clock.now;
  const registry = new MemoryRegistry();
  const store = new MemoryStore();
  const metrics = new Metrics();
  const heads = new Map<string, number>();
  /** Registers what is due by now: each shard at a phase of its own. */
  const registerDue = async (): Promise<void> => {
    for (let s = 0; s < shards; s++) {
      const shardId = `s${s}`;
      for (let n = heads.get(shardId) ?? 0; ; n++) {
        const registeredAt = begin + n * flushAgeMs + Math.round((s * flushAgeMs) / shards);
        if (registeredAt > clock.now) break;
        heads.set(shardId, n + 1);
        const at = (k: number): Position => (k === 0 ? trimHorizon : position(String(k)));
        const fileId = `${shardId}-${n}`;
        await store.create(fileId, Buffer.from(fileId));
        const { size, sha256 } = (await store.head(fileId)) ?? { size: 0, sha256: '' };
        const times = [registeredAt, registeredAt] as const;
        const content = { rows: 1, csvBytes: 100, object: { key: fileId, size, sha256 }, occurred: times, sampledTimes: [times] };
        const file: FileRow = { shardId, fileId, from: at(n), to: at(n + 1), registeredAt, ...content };
        await registry.append(file);
      }
    }
  };
  const { database, copier } = fakeWarehouse({ onCommit: () => (clock.now += transactionMs) });
  const now = (): number => clock.now;
  let ids = 0;
  const shared = { database, log, metrics, now };
  const rounds = new CommitRounds({
    ...shared,
    application: 'loader',
    streamId: 'events@1',
    registry,
    objects: store,
    copier,
    limits,
    retentionMs: 1e12,
    orphanAgeMs: 1e12,
    inLake: async () => true,
    newId: () => `batch-${++ids}`,
  });
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  let warm = false;
  const committer = startCommitter({
    ...shared,
    rounds,
    lease: { claim: async () => true, release: async () => {} },
    intervalMs,
    leaseMs: 15_000,
    random: Math.random,
    pause: async (ms, signal) => {
      clock.now += ms;
      if (!warm && clock.now - begin > 600_000) {
        warm = true;
        metrics.drain();
      }
      await registerDue();
      if (clock.now - begin < 1_800_000) return;
      ended();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  });
  await end;
  await committer.stop();
  const { counters, timings } = metrics.drain();
  const commits = timings.find(({ name }) => name === 'commit_ms')?.samplesMs.length ?? 0;
  const ages = [...(timings.find(({ name, labels }) => name === 'freshness_ms' && labels['since'] === 'arrived')?.samplesMs ?? [])].sort(
    (a, b) => a - b,
  );
  const committed = counters.find(({ name }) => name === 'files_committed')?.value ?? 0;
  const registered = [...heads.values()].reduce((sum, n) => sum + n, 0);
  return {
    perMinute: commits / 20,
    p50: ages[Math.floor(ages.length / 2)] ?? 0,
    p95: ages[Math.floor(ages.length * 0.95)] ?? 0,
    waiting: registered - committed,
  };
}

describe('committing to a warehouse that holds each transaction 8 s, with the default settings', () => {
  it('commits no more often for 24 shards than for one, and events are there as soon', async () => {
    const [one, many] = [await steadyState(1), await steadyState(24)];
    assert(many.perMinute > 1 && many.perMinute <= 4, `${many.perMinute} commits a minute`);
    assert(one.p95 > transactionMs);
    assert(many.p95 <= one.p95 * 1.05, `p95 ${many.p95} ms with 24 shards, ${one.p95} ms with one`);
    assert(many.p50 <= one.p50 * 1.15, `p50 ${many.p50} ms with 24 shards, ${one.p50} ms with one`);
    assert(many.waiting <= 24 * 4, `${many.waiting} files wait at the end`);
  });
});
