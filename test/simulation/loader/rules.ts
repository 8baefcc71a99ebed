import assert from 'node:assert/strict';
import type { PGlite } from '@electric-sql/pglite';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { fieldsOf } from '../../../services/lib/warehouse/csv-records.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { StageHousekeeping } from '../../../services/redshift-loader/stage/stage-housekeeping.ts';
import { application, type World } from './world.ts';

/** Longer than any run takes. */
const orphanAgeMs = 1e9;

type Rows = (sql: string) => Promise<Record<string, unknown>[]>;

/** What must hold when all is done. Reads what is durable, and nothing else. */
export async function check(db: PGlite, database: Database, world: World): Promise<void> {
  const rows: Rows = async (sql) => (await db.query<Record<string, unknown>>(sql)).rows;
  await checkEvents(rows, world);
  await checkChains(rows, world);
  await checkQuarantine(rows, world);
  await checkBookings(rows, world);
  await checkStage(database, world);
}

async function checkEvents(rows: Rows, { streams, durable }: World): Promise<void> {
  const ids = (await rows('SELECT event_id FROM booking_event')).map((row) => String(row['event_id']));
  assert.deepEqual([...ids].sort(), [...streams.events.keys()].sort(), 'rows = distinct events');
  const [sums] = await rows(
    'SELECT SUM(rows_inserted) AS inserted, SUM(rows_copied) AS copied, SUM(rows_quarantined) AS refused FROM load_ledger',
  );
  assert.equal(Number(sums?.['inserted']), ids.length, 'the ledger adds up');
  assert.equal(
    Number(sums?.['copied']),
    durable.rowsStaged - Number(sums?.['refused']),
    'copied = rows of the files without refused lines',
  );
  assert.equal(Number(sums?.['refused']), streams.refused.length, 'the ledger counts refused lines');
  const [counted] = await rows('SELECT SUM(reserved + cancelled + changed + expired) AS n FROM kpi_hourly');
  assert.equal(Number(counted?.['n']), ids.length, 'each event counts once');
  const letters = [...durable.store.objects.keys()].filter((key) => key.startsWith('deadletter/'));
  assert.deepEqual(letters.sort(), [...streams.broken].sort(), 'dead letters = unreadable records');
}

async function checkChains(rows: Rows, { streams, durable }: World): Promise<void> {
  for (const { shardId, records } of streams.shards) {
    const last = records.at(-1)?.position ?? trimHorizon;
    assert.equal(await durable.registry.head(shardId), last, 'the head covers the shard');
    assert.deepEqual(await rows(`SELECT position FROM load_watermark WHERE shard = '${shardId}'`), [{ position: last }]);
    let at: unknown = trimHorizon;
    for (const row of await rows(`SELECT from_position, to_position FROM load_ledger WHERE shard = '${shardId}' ORDER BY from_position`)) {
      assert.equal(row['from_position'], at, 'ranges form a chain');
      at = row['to_position'];
    }
    assert.equal(at, last, 'from 0 to the watermark');
  }
}

const eventIdAt = 4; // of booking_event

async function checkQuarantine(rows: Rows, { streams, durable }: World): Promise<void> {
  const lines = await rows('SELECT file_id, line, column_name, content FROM quarantine');
  const eventIdOf = (line: string): string => String(fieldsOf(line)[eventIdAt]);
  assert.deepEqual(
    lines.map((row) => eventIdOf(String(row['content']))).sort(),
    [...streams.refused].sort(),
    'quarantine = refused records',
  );
  assert.equal(new Set(lines.map((row) => `${String(row['file_id'])} ${String(row['line'])}`)).size, lines.length, 'each line once');
  assert(lines.every((row) => row['column_name'] === 'seats'));
  const kept = [...durable.store.objects].filter(([key]) => key.startsWith('quarantine/')).map(([, body]) => eventIdOf(body.toString()));
  assert.deepEqual(kept.sort(), [...streams.refused].sort(), 'every refused line is kept whole');
}

async function checkBookings(rows: Rows, { streams }: World): Promise<void> {
  const newest = new Map<string, string>();
  for (const { bookingId, version, eventId } of streams.events.values()) {
    const rank = `${String(version).padStart(4, '0')} ${eventId}`;
    if (rank > (newest.get(bookingId) ?? '')) newest.set(bookingId, rank);
  }
  const current = await rows('SELECT booking_id, version, event_id FROM booking');
  assert.equal(current.length, newest.size);
  for (const row of current) {
    const rank = `${String(row['version']).padStart(4, '0')} ${String(row['event_id'])}`;
    assert.equal(rank, newest.get(String(row['booking_id'])), 'the current row is the highest version');
  }
}

/** After the sweep has been everywhere: what lies in the stage is what the files that are left name. */
async function checkStage(database: Database, { streams, durable, streamId, now }: World): Promise<void> {
  let later = now() + orphanAgeMs;
  for (const batchId of durable.batches.keys()) durable.lake.add(batchId);
  const { registry, store, inLake } = durable;
  const objects = {
    list: (prefix: string) => store.list(prefix),
    delete: async (key: string) => {
      await durable.watchDelete(key);
      await store.delete(key);
    },
  };
  const parts = { application, streamId, registry, objects, inLake, retentionMs: 1e12, orphanAgeMs, metrics: new Metrics() };
  const housekeeping = new StageHousekeeping({ ...parts, now: () => later });
  const session = await database.connect();
  for (let turn = 0; turn <= streams.shards.length; turn++) {
    later += 60_000;
    await housekeeping.run(session, durable.watermarks);
  }
  const left = [...store.objects.keys()].filter((key) => key.startsWith('stage/')).sort();
  const named = (await durable.files()).flatMap((file) => file.object?.key ?? []);
  const there = named.filter((key) => store.objects.has(key)).sort();
  assert.deepEqual(left, there, 'no object that no file names');
}
