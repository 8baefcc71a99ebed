import assert from 'node:assert/strict';
import { applyCalendar } from '../../../services/lib/warehouse/calendar.ts';
import type { Session } from '../../../services/lib/warehouse/database.ts';
import { schemaDrift } from '../../../services/lib/warehouse/drift.ts';
import { checksumOf, type Migration, migrate, migrations, requireSchema } from '../../../services/lib/warehouse/migrations.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { openEmptyPGlite, openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { ShardLoads } from '../../support/warehouse-loads.ts';

describe('warehouse schema', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  let session: Session;
  before(async () => {
    warehouse = await openEmptyPGlite();
    session = await warehouse.database.connect();
  });
  after(() => warehouse.db.close());

  const rows = async (sql: string): Promise<Record<string, unknown>[]> => (await warehouse.db.query<Record<string, unknown>>(sql)).rows;

  /** What a build of the first schema left. */
  async function standAtVersion1(): Promise<void> {
    const first = migrations[0] as Migration;
    for (const sql of first.statements('postgres')) await session.query(sql);
    await session.query(
      'CREATE TABLE schema_migration (version INTEGER NOT NULL, name VARCHAR(256) NOT NULL, checksum VARCHAR(64) NOT NULL)',
    );
    await session.query(`INSERT INTO schema_migration VALUES (1, 'first', '${checksumOf(first, 'postgres')}')`);
    const columns = "'b', 1, 'e', 'reserved', 'u', 'rome', '2026-03-29 22:30', 2, 500, 'EUR', 'web', 'sdk'";
    await session.query(`INSERT INTO booking_event VALUES ('f', 1, ${columns}, NULL, '{"a": 1}', '2026-03-29 22:31')`);
    await session.query(`INSERT INTO booking VALUES (${columns})`);
    await session.query(
      "INSERT INTO load_ledger VALUES ('batch', 'f', 'loader', 'booking-events@1', 's1', '0', '1', 'stage/f', 1, 1, '2026-03-29 22:32')",
    );
  }

  it('goes from 1 to the present on data and keeps it; the first calendar counts what was there', async () => {
    await standAtVersion1();
    await assert.rejects(requireSchema(session), { code: 'WAREHOUSE_SCHEMA', message: /has schema version 1/ });
    assert.deepEqual((await schemaDrift(session)).faults.includes('table kpi_hourly is missing'), true);
    const before = await rows('SELECT * FROM booking_event');
    assert.deepEqual(await migrate(warehouse.database), { applied: [2, 3], version: 3 });
    assert.deepEqual(await rows('SELECT * FROM booking_event'), before);
    assert.deepEqual(await rows('SELECT file_id, rows_copied, rows_quarantined FROM load_ledger'), [
      { file_id: 'f', rows_copied: 1, rows_quarantined: 0 },
    ]);
    await assert.rejects(requireSchema(session), { code: 'WAREHOUSE_SCHEMA', message: /time zone/ });
    await applyCalendar(warehouse.database, 'Europe/Berlin');
    await requireSchema(session);
    assert.deepEqual(await rows('SELECT business_day::text, reserved, gross_minor FROM kpi_daily'), [
      { business_day: '2026-03-30', reserved: 1, gross_minor: '500' },
    ]);
    assert.deepEqual(await rows('SELECT tour_id FROM dim_tour'), [{ tour_id: 'rome' }]);
  });

  it('is applied once', async () => {
    assert.deepEqual(await migrate(warehouse.database), { applied: [], version: 3 });
  });

  it('stays as it is when an applied migration is not the one of this build', async () => {
    await session.query("UPDATE schema_migration SET checksum = 'x' WHERE version = 2");
    await assert.rejects(migrate(warehouse.database), { code: 'WAREHOUSE_SCHEMA', message: /migration 2 was changed/ });
    await session.close();
    await session.query(`UPDATE schema_migration SET checksum = '${checksumOf(migrations[1] as Migration, 'postgres')}' WHERE version = 2`);
    await requireSchema(session);
  });

  it('says in the warehouse what a view means', async () => {
    const [{ comment } = {}] = await rows("SELECT obj_description('kpi_tour_daily'::regclass) AS comment");
    assert.match(String(comment), /per business day, tour and currency/);
  });

  it('keeps the lines that were refused, whatever is in them, once and with their file in the ledger', async () => {
    const event = bookingEventOf('kept', 1);
    const odd = { reason: "a'b", detail: '\\ \u0000 "', content: `é漢🎫\r\n,'; DROP TABLE booking; --${'漢'.repeat(5_000)}` };
    const shard = new ShardLoads(warehouse.database, 's2');
    await shard.load(
      [
        { events: [event], quarantined: [{ line: 2, column: 'seats', ...odd }] },
        { events: [], quarantined: [{ line: 1, ...odd }] },
      ],
      1_000,
    );
    const found = await rows(
      'SELECT file_id, line, column_name, reason, detail, content, quarantined_at::text AS at FROM quarantine ORDER BY file_id',
    );
    const { content, ...first } = found[0] ?? {};
    assert.deepEqual(first, {
      file_id: 'file-s2-1',
      line: 2,
      column_name: 'seats',
      reason: "a'b",
      detail: '\\ \uFFFD "',
      at: '1970-01-01 00:00:01',
    });
    assert(typeof content === 'string' && odd.content.startsWith(content) && Buffer.byteLength(content) > 8_189);
    assert.deepEqual([found.length, found[1]?.['column_name']], [2, null]);
    assert.deepEqual(
      await rows("SELECT rows_copied, rows_inserted, rows_quarantined FROM load_ledger WHERE shard = 's2' ORDER BY to_position"),
      [
        { rows_copied: 1, rows_inserted: 1, rows_quarantined: 1 },
        { rows_copied: 0, rows_inserted: 0, rows_quarantined: 1 },
      ],
    );
    assert.deepEqual(
      await rows("SELECT position FROM load_freshness WHERE shard = 's2' AND batch_id = 'batch-s2-2'").then((r) => r.length),
      1,
    );
  });

  it('names what drifted from the model, and what nobody made', async () => {
    assert.deepEqual(await schemaDrift(session), { faults: [], extras: [] });
    const changes = [
      'DROP VIEW kpi_fraud_daily',
      'DROP TABLE fraud_alert',
      'ALTER TABLE booking DROP COLUMN seats',
      'ALTER TABLE booking ALTER COLUMN amount_minor TYPE INTEGER',
      'ALTER TABLE booking ALTER COLUMN channel DROP NOT NULL',
      'ALTER TABLE quarantine ALTER COLUMN reason TYPE VARCHAR(10)',
      'ALTER TABLE dim_tour ADD COLUMN country VARCHAR(2)',
      'CREATE TABLE of_an_analyst (n INTEGER)',
      'CREATE VIEW of_an_analyst_too AS SELECT n FROM of_an_analyst',
    ];
    for (const sql of changes) await session.query(sql);
    assert.deepEqual(await schemaDrift(session), {
      faults: [
        'column booking.seats is missing; it is integer not null',
        'column booking.amount_minor is integer not null, not bigint not null',
        'column booking.channel is character varying(192), not character varying(192) not null',
        'column quarantine.reason is character varying(10) not null, not character varying(256) not null',
        'table fraud_alert is missing',
        'view kpi_fraud_daily is missing',
      ],
      extras: ['column dim_tour.country', 'table or view of_an_analyst', 'table or view of_an_analyst_too'],
    });
  });

  it('names views of other columns or another comment, and rows that are missing or doubled', async () => {
    const other = await openPGliteWarehouse('Europe/Berlin');
    const drift = await schemaDrift(await other.database.connect());
    assert.deepEqual(drift, { faults: [], extras: [] });
    await other.db.exec(`DROP VIEW load_freshness; CREATE VIEW load_freshness AS SELECT shard AS piece, position, application, stream, 1 AS loaded_at,
      2 AS batch_id FROM load_watermark; COMMENT ON VIEW kpi_daily IS 'mine'; DELETE FROM load_gate; INSERT INTO fraud_alert_gate VALUES (1);
      DELETE FROM dim_date WHERE day = '2026-03-29'; UPDATE business_day_switch SET utc_day = '2026-03-28' WHERE utc_day = '2026-03-29'`);
    const { faults } = await schemaDrift(await other.database.connect());
    await other.db.close();
    assert.deepEqual(
      faults.map((fault) => fault.replaceAll(/\d{5}/g, 'N')),
      [
        "view kpi_daily has another comment than this build's: it may be another view",
        'column load_freshness.shard of a view is missing',
        'column load_freshness.piece of a view is not of this build',
        "view load_freshness has another comment than this build's: it may be another view",
        'table load_gate must have one row, it has 0',
        'table fraud_alert_gate must have one row, it has 2',
        'table business_day_switch has N rows of N days, not N: --rebuild fills it',
        'table dim_date has N rows of N days, not N: --rebuild fills it',
      ],
    );
  });

  it('is read from the catalog of Redshift in its own terms', async () => {
    const asked: string[] = [];
    const redshift: Session = {
      ...session,
      dialect: 'redshift',
      query: async (sql) => {
        asked.push(sql);
        const row = {
          name: 'analytics',
          table_name: 'booking_event',
          column_name: 'extra',
          data_type: 'super',
          bytes: null,
          digits: null,
          is_nullable: 'YES',
        };
        return { rows: [row], affected: 1, command: 'SELECT' };
      },
    };
    const { faults } = await schemaDrift(redshift);
    assert.match(asked[1] ?? '', /FROM svv_columns WHERE table_schema = 'analytics'/);
    assert(!faults.some((fault) => fault.includes('booking_event.extra')), faults.join('\n'));
    assert(faults.includes('column booking_event.line is missing; it is integer not null'));
  });
});
