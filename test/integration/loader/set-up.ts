import assert from 'node:assert/strict';
import pino from 'pino';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { type Position, position } from '../../../services/lib/kcl/position.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { postgresCopier, type StageCopier } from '../../../services/lib/warehouse/copy.ts';
import { eventFields } from '../../../services/lib/warehouse/csv.ts';
import type { Database, Row } from '../../../services/lib/warehouse/database.ts';
import { CommitRounds } from '../../../services/redshift-loader/commit/commit-round.ts';
import type { LoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { ShardStager } from '../../../services/redshift-loader/shard/shard-stager.ts';
import { MemoryRegistry, MemoryStore } from '../../services/redshift-loader/memory.ts';

const log = pino({ level: 'silent' });
export const at = (n: number): Position => position(String(n));
let runs = 0;

/** A loader without KCL: shards that stage what they are given, and committers over one registry. Each has a stream of its own. */
export function setUp(database: Database) {
  const streamId = `booking-events@${++runs}`;
  const registry = new MemoryRegistry();
  const clock = { offset: 0 };
  const now = (): number => Date.now() + clock.offset;
  const store = new MemoryStore(now);
  const metrics = new Metrics();
  /** Batches whose copy in the lake is missing. */
  const notInLake = new Set<string>();
  let ids = 0;
  const newId = (): string => `${streamId}-${++ids}`;
  const tools = { registry, objects: store, log, metrics, now, newId, random: Math.random, pause: async () => {} };
  const shards = new Map<string, { stager: ShardStager; next: number }>();

  /** One file of these events, in order. */
  async function stage(shardId: string, events: readonly BookingEvent[]): Promise<void> {
    const known = shards.get(shardId);
    const shard = known ?? { stager: await ShardStager.resume(tools, { application: 'loader', streamId, shardId }), next: 1 };
    shards.set(shardId, shard);
    for (const event of events) {
      const fields = eventFields(event, event.occurredAt + 10);
      assert(fields.kind === 'ok');
      const arrivedAt = event.occurredAt + 10;
      shard.stager.buffer.add({ position: at(shard.next++), fields: fields.value, occurredAt: event.occurredAt, arrivedAt }, 0);
    }
    if (events.length === 0) shard.stager.buffer.pass(at(shard.next++), 0);
    await shard.stager.flush();
  }

  const committer = (
    through: Database = database,
    limits = { maxFiles: 100, maxBytes: 1e9 },
    seen: LoadRegistry = registry,
    copier: StageCopier = postgresCopier(store),
  ): CommitRounds =>
    new CommitRounds({
      application: 'loader',
      streamId,
      registry: seen,
      objects: store,
      database: through,
      copier,
      limits,
      retentionMs: 3_600_000,
      orphanAgeMs: 7_200_000,
      inLake: async (batchId) => !notInLake.has(batchId),
      log,
      metrics,
      now,
      newId,
    });

  const select = async (sql: string): Promise<readonly Row[]> => {
    const session = await database.connect();
    try {
      return (await session.query(sql)).rows;
    } finally {
      await session.close();
    }
  };
  const count = async (what: string): Promise<number> => Number((await select(`SELECT COUNT(*) AS n FROM ${what}`))[0]?.['n']);
  const ledger = async () => {
    const rows = await select(
      `SELECT SUM(rows_copied) AS copied, SUM(rows_inserted) AS inserted FROM load_ledger WHERE stream = '${streamId}'`,
    );
    return { copied: Number(rows[0]?.['copied']), inserted: Number(rows[0]?.['inserted']) };
  };
  const counter = (name: string): number =>
    metrics
      .drain()
      .counters.filter((c) => c.name === name)
      .reduce((sum, c) => sum + c.value, 0);
  return { streamId, registry, store, metrics, clock, notInLake, stage, committer, select, count, ledger, counter };
}

let unique = 0;
export const booking = (): string => `booking-${++unique}`;
