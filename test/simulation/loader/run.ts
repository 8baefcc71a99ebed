import assert from 'node:assert/strict';
import type { PGlite } from '@electric-sql/pglite';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { openPGliteWarehouse } from '../../support/pglite-warehouse.ts';
import type { Fate } from '../scheduler.ts';
import type { Outcome, Simulation, Violation } from '../simulation.ts';
import { type Scenario, World } from './world.ts';

const fates: readonly Exclude<Fate, 'runs'>[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];
const plainScenario: Scenario = { seed: 99, shards: 2, recordsPerShard: 6, faultRate: 0 };

/** The loader's shards and committers around one warehouse, emptied after each run. */
export async function openLoaderSimulation(): Promise<Simulation> {
  const { db, database } = await openPGliteWarehouse();
  const runScenario = (scenario: Scenario): Promise<Outcome> => runLoader(db, database, scenario);
  return {
    run: (seed) => runScenario({ seed, shards: 2, recordsPerShard: 18, faultRate: 0.04 }),
    async *eachCall(step) {
      const { figures } = await runScenario(plainScenario);
      for (let at = 1; at <= (figures['calls'] ?? 0); at += step) {
        for (const fate of step === 1 ? fates : fates.slice(at % fates.length).slice(0, 1)) {
          yield { script: `call ${at} ${fate}`, outcome: await runScenario({ ...plainScenario, script: { at, fate } }) };
        }
      }
    },
    close: () => db.close(),
  };
}

async function runLoader(db: PGlite, database: Database, scenario: Scenario): Promise<Outcome> {
  const world = new World(scenario, database);
  const violations: Violation[] = [];
  try {
    await world.run();
    await check(db, world);
  } catch (error) {
    const rule = error instanceof assert.AssertionError ? 'judgement' : 'end';
    violations.push({ rule, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    await db.exec('TRUNCATE booking_event, booking, kpi_hourly, dim_tour, quarantine, load_ledger, load_watermark');
  }
  return { figures: { ...world.figures }, violations, trace: world.scheduler.trace };
}

/** Reads what is durable, and nothing else. */
async function check(db: PGlite, world: World): Promise<void> {
  const rows = async (sql: string) => (await db.query<Record<string, unknown>>(sql)).rows;
  const ids = (await rows('SELECT event_id FROM booking_event')).map((row) => String(row['event_id']));
  assert.deepEqual([...ids].sort(), [...world.events.keys()].sort(), 'rows = distinct events');

  for (const { shardId, records } of world.shards) {
    const last = records.at(-1)?.position ?? trimHorizon;
    assert.equal(await world.registry.head(shardId), last, 'the head covers the shard');
    assert.deepEqual(await rows(`SELECT position FROM load_watermark WHERE shard = '${shardId}'`), [{ position: last }]);
    let at: unknown = trimHorizon;
    for (const row of await rows(`SELECT from_position, to_position FROM load_ledger WHERE shard = '${shardId}' ORDER BY from_position`)) {
      assert.equal(row['from_position'], at, 'ranges form a chain');
      at = row['to_position'];
    }
    assert.equal(at, last, 'from 0 to the watermark');
  }
  const [sums] = await rows('SELECT SUM(rows_inserted) AS inserted FROM load_ledger');
  assert.equal(Number(sums?.['inserted']), ids.length, 'the ledger adds up');
  const [counted] = await rows('SELECT SUM(reserved + cancelled + changed + expired) AS n FROM kpi_hourly');
  assert.equal(Number(counted?.['n']), ids.length, 'each event counts once');

  const letters = [...world.store.objects.keys()].filter((key) => key.startsWith('deadletter/'));
  assert.deepEqual(letters.sort(), [...world.broken].sort(), 'dead letters = unreadable records');

  const newest = new Map<string, string>();
  for (const { bookingId, version, eventId } of world.events.values()) {
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
