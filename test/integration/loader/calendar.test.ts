import assert from 'node:assert/strict';
import { applyCalendar, readTimeZone } from '../../../services/lib/warehouse/calendar.ts';
import { migrate } from '../../../services/lib/warehouse/migrations.ts';
import { openEmptyPGlite, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';

describe('business calendar in the warehouse', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  before(async () => {
    warehouse = await openEmptyPGlite();
    await migrate(warehouse.database);
  });
  after(() => warehouse.db.close());

  const rows = async (sql: string): Promise<unknown[]> => (await warehouse.db.query(sql)).rows;
  const zone = async (): Promise<string | undefined> => readTimeZone(await warehouse.database.connect());
  const aFigure = `INSERT INTO kpi_hourly SELECT TIMESTAMP '2026-03-29 22:00', DATE '2026-03-30', 't', 'web', 'EUR', 1, 0, 0, 0, 2, 0, 100, 0`;

  it('is filled once, and again for another zone while nothing is counted', async () => {
    assert.equal(await zone(), undefined);
    assert.equal(await applyCalendar(warehouse.database, 'UTC'), 'rebuilt');
    assert.equal(await applyCalendar(warehouse.database, 'Europe/Berlin'), 'filled');
    assert.equal(await applyCalendar(warehouse.database, 'Europe/Berlin'), 'unchanged');
    assert.equal(await zone(), 'Europe/Berlin');
    assert.deepEqual(
      await rows("SELECT first_day::text, switches_at::text, next_day::text FROM business_day_switch WHERE utc_day = '2026-03-29'"),
      [{ first_day: '2026-03-29', switches_at: '2026-03-29 22:00:00', next_day: '2026-03-30' }],
    );
    assert.deepEqual(
      await rows(
        "SELECT ends_at - starts_at = INTERVAL '23 hours' AS short, iso_week, weekday, is_weekend FROM dim_date WHERE day = '2026-03-29'",
      ),
      [{ short: true, iso_week: 13, weekday: 7, is_weekend: 1 }],
    );
    assert.deepEqual(await rows('SELECT COUNT(*) - COUNT(DISTINCT day) AS doubled FROM dim_date'), [{ doubled: 0 }]);
  });

  it('does not change under figures that stand, unless they are computed anew', async () => {
    await warehouse.db.exec(aFigure);
    assert.equal(await applyCalendar(warehouse.database, 'Europe/Berlin'), 'unchanged');
    await assert.rejects(applyCalendar(warehouse.database, 'UTC'), { code: 'WAREHOUSE_SCHEMA', message: /Europe\/Berlin.*rebuild/ });
    assert.equal(await zone(), 'Europe/Berlin');
    assert.equal(await applyCalendar(warehouse.database, 'UTC', { rebuild: true }), 'rebuilt');
    assert.equal(await zone(), 'UTC');
    assert.deepEqual(await rows('SELECT * FROM kpi_hourly'), [], 'there is no event behind the figure');
  });

  it('takes new clock rules for days without figures, and refuses them for days with some', async () => {
    await warehouse.db.exec(aFigure);
    const move = (day: string): Promise<unknown> =>
      warehouse.db.exec(`UPDATE business_day_switch SET switches_at = switches_at - INTERVAL '1 hour' WHERE utc_day = '${day}'`);
    await move('2026-03-28');
    assert.equal(await applyCalendar(warehouse.database, 'UTC'), 'filled');
    await move('2026-03-29');
    await assert.rejects(applyCalendar(warehouse.database, 'UTC'), { code: 'WAREHOUSE_SCHEMA', message: /2026-03-29 to 2026-03-29/ });
  });

  it('is refused for what is no zone, before anything is touched', async () => {
    await assert.rejects(applyCalendar(warehouse.database, 'Berlin'), { code: 'CONFIG_INVALID' });
  });
});
