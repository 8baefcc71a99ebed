import assert from 'node:assert/strict';
import type { PGlite } from '@electric-sql/pglite';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import type { Fate } from '../scheduler.ts';
import { openPGlite, type Scenario, World } from './world.ts';

/** `SEED=17` replays one schedule, `SEEDS=500` runs many; the defaults keep `npm test` short. */
const onlySeed = process.env['SEED'];
const seeds = onlySeed === undefined ? Array.from({ length: Number(process.env['SEEDS'] ?? 5) }, (_, i) => i + 1) : [Number(onlySeed)];

describe('loader in simulation: processes die at any await, owners overlap, committers race', function () {
  this.timeout(Math.max(60_000, seeds.length * 5_000));
  let db: PGlite;
  let database: Database;

  before(async () => ({ db, database } = await openPGlite()));
  after(() => db.close());

  async function run(scenario: Scenario): Promise<World> {
    const world = new World(scenario, database);
    try {
      await world.run();
      await check(world);
    } catch (error) {
      const told = world.scheduler.trace.slice(-25).join('\n  ');
      throw new Error(`seed ${scenario.seed} ${JSON.stringify(scenario.script ?? {})}: ${String(error)}\n  ${told}`, { cause: error });
    } finally {
      await db.exec('TRUNCATE booking_event, booking, load_ledger, load_watermark');
    }
    return world;
  }

  /** Reads what is durable, and nothing else. */
  async function check(world: World): Promise<void> {
    const rows = async (sql: string) => (await db.query<Record<string, unknown>>(sql)).rows;
    const ids = (await rows('SELECT event_id FROM booking_event')).map((row) => String(row['event_id']));
    assert.deepEqual([...ids].sort(), [...world.events.keys()].sort(), 'rows = distinct events');

    for (const { shardId, records } of world.shards) {
      const last = records.at(-1)?.position ?? trimHorizon;
      assert.equal(await world.registry.head(shardId), last, 'the head covers the shard');
      assert.deepEqual(await rows(`SELECT position FROM load_watermark WHERE shard = '${shardId}'`), [{ position: last }]);
      let at: unknown = trimHorizon;
      for (const row of await rows(
        `SELECT from_position, to_position FROM load_ledger WHERE shard = '${shardId}' ORDER BY from_position`,
      )) {
        assert.equal(row['from_position'], at, 'ranges form a chain');
        at = row['to_position'];
      }
      assert.equal(at, last, 'from 0 to the watermark');
    }
    const [sums] = await rows('SELECT SUM(rows_inserted) AS inserted FROM load_ledger');
    assert.equal(Number(sums?.['inserted']), ids.length, 'the ledger adds up');

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

  it('every event is one row, over seeded schedules', async () => {
    for (const seed of seeds) await run({ seed, shards: 2, recordsPerShard: 18, faultRate: 0.04 });
  });

  it('whichever call of one run dies, fails or loses its answer', async function () {
    if (onlySeed !== undefined) this.skip();
    const base = { seed: 99, shards: 2, recordsPerShard: 6, faultRate: 0 };
    const { calls } = await run(base);
    const step = process.env['SEEDS'] === undefined ? 13 : 1;
    const fates: readonly Fate[] = ['diesBefore', 'diesAfter', 'failsBefore', 'failsAfter'];
    for (let at = 1; at <= calls; at += step) {
      const fate = fates[at % fates.length] ?? 'runs';
      for (const each of process.env['SEEDS'] === undefined ? [fate] : fates) await run({ ...base, script: { at, fate: each } });
    }
  });
});
