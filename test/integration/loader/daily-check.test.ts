import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import pino from 'pino';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { DailyCheck } from '../../../services/redshift-loader/daily-check.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { ShardLoads } from '../../support/warehouse-loads.ts';

const hour = 3_600_000;
const runbook = new URL('../../../docs/runbooks/events-doubled.md', import.meta.url);

describe('the daily count of the events', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  const clock = { now: Date.UTC(2026, 10, 23, 23) };
  const metrics = new Metrics();
  const logged: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });

  before(async () => {
    warehouse = await openPGliteWarehouse();
    await new ShardLoads(warehouse.database, 's').load([{ events: [bookingEventOf('a', 1), bookingEventOf('b', 1)] }]);
  });
  after(() => warehouse.db.close());

  const check = (database: Database = warehouse.database): DailyCheck => new DailyCheck({ database, log, metrics, now: () => clock.now });
  const rows = async (): Promise<unknown[]> =>
    (
      await warehouse.db.query<Record<string, unknown>>(
        'SELECT checked_at::text AS at, rows::int AS n, distinct_events::int AS d, doubled::int AS x FROM warehouse_check ORDER BY checked_at',
      )
    ).rows.map(({ at, n, d, x }) => [at, n, d, x]);
  const doubled = (): number | undefined => metrics.drain().gauges.find(({ name }) => name === 'events_doubled')?.value;

  it('is made once a UTC day, also by a task that has just started', async () => {
    const first = check();
    await first.run();
    clock.now += hour - 1;
    await first.run();
    await check().run();
    assert.deepEqual(await rows(), [['2026-11-23 23:00:00', 2, 2, 0]]);
    assert.equal(doubled(), 0);
    clock.now += 1;
    await first.run();
    await check().run();
    assert.deepEqual((await rows())[1], ['2026-11-24 00:00:00', 2, 2, 0]);
    assert.equal((await rows()).length, 2);
  });

  it('asks nothing of the warehouse between two days', async () => {
    let sessions = 0;
    const counting: Database = { ...warehouse.database, connect: () => (sessions++, warehouse.database.connect()) };
    const one = check(counting);
    await one.run();
    await one.run();
    assert.equal(sessions, 1);
  });

  it('finds an event that stands twice, and looks hourly until it does not', async () => {
    await warehouse.db.exec('INSERT INTO booking_event SELECT * FROM booking_event LIMIT 1');
    clock.now += 24 * hour;
    const one = check();
    logged.length = 0;
    await one.run();
    assert.deepEqual((await rows()).at(-1), ['2026-11-25 00:00:00', 3, 2, 1]);
    assert.equal(doubled(), 1);
    assert.match(logged.join(''), /"level":50,.*"event":"events\.counted".*"doubled":1/);
    metrics.gauge('events_doubled', 0);
    await check().run();
    assert.equal(doubled(), 1, 'told by a task that has just started, too');
    assert.equal((await rows()).length, 3);
    await removeDoubles();
    clock.now += hour;
    await one.run();
    assert.deepEqual((await rows()).at(-1), ['2026-11-25 01:00:00', 2, 2, 0]);
    assert.equal(doubled(), 0);
  });

  /** What the runbook says: the first statement shows them, the others remove them. */
  async function removeDoubles(): Promise<void> {
    const [find = '', remove = ''] = [...readFileSync(runbook, 'utf8').matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) => sql ?? '');
    assert.equal((await warehouse.db.query(find)).rows.length, 2);
    await warehouse.db.exec(remove);
  }
});
