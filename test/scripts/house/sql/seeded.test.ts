import assert from 'node:assert/strict';
import { PGlite } from '@electric-sql/pglite';
import { lint } from '../../../../scripts/house/sql/lint.ts';

const tables = `
  CREATE TABLE booking_event (booking_id VARCHAR(768) NOT NULL, version BIGINT NOT NULL, event_id VARCHAR(32) UNIQUE, type VARCHAR(16),
    tour_id VARCHAR(768), occurred_at TIMESTAMP, seats INTEGER, amount_minor BIGINT, currency VARCHAR(3), extra JSONB);
  CREATE TABLE booking (booking_id VARCHAR(768) UNIQUE, version BIGINT, event_id VARCHAR(32), seats INTEGER);
  CREATE TABLE load_latest (booking_id VARCHAR(768), version BIGINT, event_id VARCHAR(32), seats INTEGER);`;

/** What one writes by habit, and Postgres takes. */
const postgresOnly: readonly (readonly [id: string, sql: string])[] = [
  ['on-conflict', "INSERT INTO booking (booking_id, version) VALUES ('b', 1) ON CONFLICT (booking_id) DO UPDATE SET version = 2"],
  ['returning', "UPDATE booking SET version = 2 WHERE booking_id = 'b' RETURNING version"],
  ['distinct-on', 'SELECT DISTINCT ON (booking_id) booking_id, version FROM booking_event ORDER BY booking_id, version DESC'],
  ['filter', "SELECT tour_id, COUNT(*) FILTER (WHERE type = 'reserved') FROM booking_event GROUP BY tour_id"],
  [
    'merge-condition',
    'MERGE INTO booking b USING load_latest l ON b.booking_id = l.booking_id WHEN MATCHED AND l.version > b.version THEN DELETE',
  ],
  ['merge-source', 'MERGE INTO booking b USING (SELECT * FROM load_latest) l ON b.booking_id = l.booking_id WHEN MATCHED THEN DELETE'],
  ['truncate', 'TRUNCATE TABLE load_latest'],
  ['writable-cte', 'WITH gone AS (DELETE FROM booking) INSERT INTO booking SELECT * FROM load_latest'],
  ['type', 'CREATE TABLE n (alert_id UUID NOT NULL, evidence JSONB)'],
  ['type-text', 'CREATE TABLE n (detail TEXT)'],
  ['type', 'CREATE TABLE n (id BIGSERIAL, tags VARCHAR(20)[])'],
  ['varchar-length', 'CREATE TABLE n (detail VARCHAR NOT NULL)'],
  ['type-text', 'SELECT version::text FROM booking'],
  ['kind', 'CREATE INDEX booking_by_version ON booking (version)'],
  ['kind', "CREATE TYPE channel AS ENUM ('web', 'phone')"],
  ['key-constraint', 'CREATE TABLE n (a INTEGER, PRIMARY KEY (a))'],
  ['on-commit', 'CREATE TEMP TABLE n (a INTEGER) ON COMMIT DROP'],
  ['any-of-list', "SELECT booking_id FROM booking WHERE booking_id ILIKE ANY ('{a%,b%}')"],
  [
    'lateral',
    'SELECT b.booking_id, e.n FROM booking b, LATERAL (SELECT COUNT(*) AS n FROM booking_event e WHERE e.booking_id = b.booking_id) e',
  ],
  ['function-generate_series', "SELECT day FROM GENERATE_SERIES(TIMESTAMP '2026-01-01', TIMESTAMP '2026-02-01', INTERVAL '1 day') AS day"],
  ['function-string_agg', "SELECT STRING_AGG(currency, ',') FROM booking_event"],
  ['json-operator', "SELECT extra ->> 'campaign' FROM booking_event"],
  ['function-now', "SELECT COUNT(*) FROM booking_event WHERE occurred_at < NOW() - INTERVAL '1 hour'"],
  ['values-as-table', "SELECT v.id FROM (VALUES ('a'), ('b')) AS v (id)"],
  ['window-frame-missing', 'SELECT SUM(seats) OVER (PARTITION BY tour_id ORDER BY occurred_at) FROM booking_event'],
  ['avg', 'SELECT tour_id, AVG(seats) FROM booking_event GROUP BY tour_id'],
  ['add-several-columns', 'ALTER TABLE booking ADD COLUMN x INTEGER, ADD COLUMN y INTEGER'],
  [
    'update-equijoin',
    'UPDATE booking b SET seats = l.seats FROM load_latest l WHERE l.booking_id = b.booking_id AND l.version > b.version',
  ],
  ['command', "SET lock_timeout TO '60s'"],
  ['kind', 'SAVEPOINT before_copy'],
  ['is-distinct-from', 'SELECT booking_id FROM booking WHERE version IS DISTINCT FROM 1'],
  ['parse', "UPDATE booking SET (version, seats) = (2, 3) WHERE booking_id = 'b'"],
];

/** What Redshift takes: the shared grammar, and what is Redshift's alone. */
const sound: readonly string[] = [
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'LOCK TABLE schema_migration',
  'SET statement_timeout TO 2000',
  'UPDATE load_gate SET n = n + 1',
  "INSERT INTO load_watermark (application, stream, shard, position) VALUES ('a', 's@1', 'shard-0', 'TRIM_HORIZON')",
  'CREATE TABLE IF NOT EXISTS n (version INTEGER NOT NULL, name VARCHAR(256) NOT NULL, rows BIGINT DEFAULT 0)',
  'CREATE TABLE n (booking_id VARCHAR(768) NOT NULL, extra SUPER, at TIMESTAMP) DISTSTYLE KEY DISTKEY (booking_id) SORTKEY (at)',
  'CREATE TABLE n (n BIGINT NOT NULL, amount DECIMAL(18, 2)) DISTSTYLE ALL',
  'CREATE TEMP TABLE load_stage (LIKE booking_event)',
  'DROP TABLE IF EXISTS load_stage',
  'ALTER TABLE load_ledger ADD COLUMN rows_quarantined BIGINT DEFAULT 0',
  "COPY load_stage (a, b) FROM 's3://bucket/manifest.json' IAM_ROLE 'arn:aws:iam::1:role/copy' MANIFEST CSV GZIP TIMEFORMAT 'auto' MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF",
  "UNLOAD ('SELECT 1') TO 's3://bucket/x' IAM_ROLE 'arn:aws:iam::1:role/unload' FORMAT AS PARQUET",
  'INSERT INTO load_latest (booking_id) SELECT booking_id FROM (SELECT booking_id, ROW_NUMBER() OVER (PARTITION BY booking_id ORDER BY version DESC, event_id DESC) AS nth FROM load_stage) f WHERE nth = 1',
  'DELETE FROM load_latest USING booking WHERE booking.booking_id = load_latest.booking_id AND booking.version > load_latest.version',
  'UPDATE kpi_hourly SET reserved = kpi_hourly.reserved + d.reserved FROM delta d WHERE kpi_hourly.hour = d.hour AND kpi_hourly.tour_id = d.tour_id',
  'MERGE INTO booking USING load_latest ON booking.booking_id = load_latest.booking_id WHEN MATCHED THEN UPDATE SET version = load_latest.version WHEN NOT MATCHED THEN INSERT VALUES (load_latest.booking_id, load_latest.version)',
  "SELECT DISTINCT t.pid AS pid FROM svv_transactions t JOIN pg_class c ON c.oid = t.relation WHERE c.relname = 'load_gate' AND t.granted AND t.txn_start < DATEADD(second, -60, GETDATE()) AND t.pid NOT IN (SELECT pid FROM stv_inflight)",
  'SELECT TRIM(file_name), line_number, column_name FROM sys_load_error_detail ORDER BY start_time DESC LIMIT 500',
  "CREATE OR REPLACE VIEW kpi_daily AS SELECT business_day, currency, SUM(CASE WHEN type = 'reserved' THEN seats ELSE 0 END) AS seats, AVG(CAST(seats AS DECIMAL(18, 4))) AS mean FROM booking_event GROUP BY business_day, currency",
  "SELECT SUM(n) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), LAG(n) OVER (ORDER BY day), DATE_TRUNC('day', at) FROM t WHERE at > '2026-01-01' - INTERVAL '7 days, 3 hours'",
  'WITH w AS (SELECT a FROM t) SELECT a FROM w WHERE a IN (SELECT a FROM u) UNION ALL SELECT a FROM v LIMIT 5',
  "SELECT extra.campaign.name, JSON_PARSE('{}'), e.extra[0] FROM booking_event e -- ON CONFLICT, x::uuid /* RETURNING */",
  "SELECT a, 'RETURNING a FROM (VALUES (1)) ON CONFLICT'::VARCHAR(99) FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1",
  'VACUUM DELETE ONLY booking',
  'SELECT pg_terminate_backend(42)',
];

describe('linter of SQL for Redshift', () => {
  let db: PGlite;
  before(async function () {
    this.timeout(60_000); // PGlite starts in 1 to 4 CPU seconds
    db = await PGlite.create();
    await db.exec(tables);
  });
  after(() => db.close());

  it('has 25 of each kind to show', () => {
    assert(postgresOnly.length >= 25 && sound.length >= 25);
  });

  for (const [id, sql] of postgresOnly) {
    it(`refuses, by ${id}, what Postgres takes: ${sql.slice(0, 60)}`, async () => {
      await db.exec('BEGIN');
      try {
        await db.exec(sql);
      } finally {
        await db.exec('ROLLBACK');
      }
      const ids = lint(sql).map((finding) => finding.id);
      assert(ids.includes(id), `${ids.join(', ')} for ${sql}`);
    });
  }

  for (const sql of sound) {
    it(`lets pass: ${sql.slice(0, 70)}`, () => {
      assert.deepEqual(lint(sql), []);
    });
  }

  it('refuses a COPY that may lose or change rows', () => {
    const copy = "COPY t FROM 's3://b/k' IAM_ROLE 'arn' CSV";
    assert.deepEqual(lint(copy), []);
    for (const parameter of ['MAXERROR 10', 'TRUNCATECOLUMNS', 'ACCEPTINVCHARS', 'IGNOREALLERRORS', 'MAXERROR AS 1', 'NONSENSE']) {
      assert.deepEqual(
        lint(`${copy} ${parameter}`).map(({ id }) => id),
        ['command'],
        parameter,
      );
    }
    assert.equal(lint('COPY t (a) FROM STDIN WITH (FORMAT csv)')[0]?.id, 'command');
  });

  it('refuses two statements in one, half a statement, and one that is too large', () => {
    assert.equal(lint('SELECT 1; SELECT 2')[0]?.id, 'parse');
    assert.equal(lint('SELECT FROM WHERE')[0]?.id, 'parse');
    assert.equal(lint(`SELECT '${'x'.repeat(16 * 1024 * 1024)}'`)[0]?.id, 'size');
  });

  it('says what to write instead, and where that is from', () => {
    const [finding] = lint('INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING');
    assert.match(finding?.instead ?? '', /DELETE .* INSERT/);
    assert.match(finding?.source ?? '', /docs\.aws\.amazon\.com\/redshift\/latest\/dg\/r_INSERT_30/);
  });
});
