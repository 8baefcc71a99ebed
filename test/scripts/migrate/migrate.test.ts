import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { migrateFlags } from '../../../scripts/migrate/flags.ts';
import { migrateCommand } from '../../../scripts/migrate/migrate.ts';
import { openObjectStore } from '../../../services/lib/objects/open.ts';
import { migrations, schemaVersion } from '../../../services/lib/warehouse/migrations.ts';
import { openEmptyPGlite, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';

const local = 'postgres://postgres:geheim@127.0.0.1:5432/postgres';
const remote = 'redshift://wg.example:5439/dev?workgroup=wg-1';
const stage = ['--stage', 'prod', '--url', remote];

describe('migrate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'migrate-'));
  let warehouse: PGliteWarehouse;
  before(async function () {
    this.timeout(60_000);
    warehouse = await openEmptyPGlite();
  });
  after(async () => {
    await warehouse.db.close();
    rmSync(folder, { recursive: true });
  });

  async function run(argv: readonly string[], env: NodeJS.ProcessEnv = { AWS_REGION: 'eu-west-1' }) {
    const out: string[] = [];
    const notes: string[] = [];
    const opened: unknown[] = [];
    const code = await migrateCommand(parseFlags(migrateFlags, argv), {
      env,
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      now: () => 1_790_000_000_000,
      operator: 'tester',
      open: (url, access) => {
        opened.push([url, access]);
        return warehouse.database;
      },
      accountOf: async (region, workgroup) => `account of ${workgroup} in ${region}`,
    });
    assert(![...out, ...notes].join('').includes('geheim'));
    return { code, out: out.join('\n'), notes: notes.join('\n'), opened };
  }
  const json = async (argv: readonly string[]) => JSON.parse((await run([...argv, '--json'])).out) as Record<string, unknown>;
  const tables = async (): Promise<number> =>
    Number((await warehouse.db.query<{ n: number }>("SELECT COUNT(*) AS n FROM pg_tables WHERE schemaname = 'public'")).rows[0]?.n);

  /** The audit, begun before ended. */
  async function audited(objects: string): Promise<Record<string, unknown>[]> {
    const store = openObjectStore(objects, { AWS_REGION: 'eu-west-1', LOCAL_MODE: false });
    const lines: Record<string, unknown>[] = [];
    for await (const { key } of store.list('audit/migrate/'))
      lines.push(JSON.parse(String(await store.read(key))) as Record<string, unknown>);
    return lines;
  }

  it('refuses what it cannot mean', async () => {
    const wrong: readonly (readonly [string[], RegExp])[] = [
      [[], /which warehouse/],
      [['--url', remote], /--stage STAGE/],
      [['--stage', 'prod', '--url', local], /no stage's/],
      [['--dialect', 'redshift'], /--sql/],
      [['--dialect', 'oracle', '--sql'], /expected one of redshift, postgres/],
      [['--dialect', 'redshift', '--sql', '--url', local], /without a connection/],
      [['--grants', 'x"; DROP'], /expected a user/],
      [['--url', local, '--time-zone', 'Mars/Olympus'], /expected a time zone/],
      [['--check', '--yes', '--url', local], /--check applies nothing/],
    ];
    for (const [argv, message] of wrong) {
      await assert.rejects(
        async () => run(argv),
        (error) => error instanceof UsageError && message.test(error.message),
        argv.join(' '),
      );
    }
    await assert.rejects(run(stage, {}), /AWS_REGION/);
    await assert.rejects(run([], { WAREHOUSE_URL: '' }), /which warehouse/);
    await assert.rejects(run(['--url', 'redshift://u:geheim@h/d?sslmode=disable', '--stage', 'x']), { code: 'CONFIG_INVALID' });
  });

  it('prints the whole schema of a dialect, and the grants, without a connection', async () => {
    const { out, opened } = await run(['--sql', '--dialect', 'redshift']);
    assert.match(out, /CREATE TABLE booking_event[^;]*SUPER[^;]*;/s);
    assert.match(out, /CREATE TABLE kpi_hourly/);
    assert.deepEqual(opened, []);
    assert.match((await run(['--grants', 'IAMR:loader'])).out, /^GRANT SELECT, UPDATE ON load_gate TO "IAMR:loader";$/m);
  });

  it('says what is missing and changes nothing until --yes', async () => {
    const { code, out, notes } = await run(['--url', local]);
    assert.equal(code, 0);
    assert.equal(out.split('\n').filter((line) => line.startsWith('to apply')).length, migrations.length);
    assert.match(out, /time zone: not set yet/);
    assert.match(notes, /local warehouse postgres:\/\/postgres@127\.0\.0\.1:5432\/postgres\nNothing was changed: this is a dry run/);
    assert.match((await run(['--url', local, '--sql'])).out, /CREATE TABLE booking_event/);
    assert.equal(await tables(), 0);
  });

  it('applies nothing without a time zone, or without a place for the audit line of a stage', async () => {
    await assert.rejects(run([...stage, '--yes']), (error) => error instanceof UsageError && /--time-zone/.test(error.message));
    await assert.rejects(
      run([...stage, '--yes', '--time-zone', 'UTC']),
      (error) => error instanceof UsageError && /--objects/.test(error.message),
    );
    assert.equal(await tables(), 0);
  });

  it('--check finds an empty warehouse wrong', async () => {
    const { code, out } = await run(['--url', local, '--check']);
    assert.equal(code, 1);
    assert.match(out, /FAULT +table booking_event is missing/);
  });

  it('applies to a stage, names account, region and warehouse, and leaves who did it', async function () {
    this.timeout(60_000);
    const objects = pathToFileURL(folder).href;
    const { code, notes, out, opened } = await run([...stage, '--yes', '--time-zone', 'Asia/Kathmandu', '--objects', objects]);
    assert.equal(code, 0);
    assert.equal(notes, `stage prod: account account of wg-1 in eu-west-1, region eu-west-1, warehouse ${remote}`);
    assert.match(out, /applied now 1 .*\n.*applied now 2 .*\nbusiness time zone: Asia\/Kathmandu, until now none/s);
    assert.deepEqual(opened, [[remote, { region: 'eu-west-1' }]]);
    const [begun, ended, ...more] = await audited(objects);
    assert.deepEqual(more, []);
    assert.deepEqual([begun?.['user'], begun?.['stage'], begun?.['timeZone']], ['tester', 'prod', 'Asia/Kathmandu']);
    assert.deepEqual(
      ended?.['applied'],
      migrations.map(({ version }) => version),
    );
  });

  it('twice does no harm, and keeps the time zone', async function () {
    this.timeout(60_000);
    const again = await json(['--url', local, '--yes']);
    assert.deepEqual(
      [again['appliedNow'], again['calendar'], again['timeZone'], again['version'], again['ok']],
      [[], 'unchanged', 'Asia/Kathmandu', schemaVersion, true],
    );
  });

  it('--rebuild makes bookings and figures of events that were inserted by hand', async () => {
    const event = (n: number): string =>
      `('by hand', ${n}, 'b${n % 4}', ${n}, 'e${n}', 'changed', 'u', 'rome', '2026-03-29 22:30', ${n}, 500, 'EUR', 'web', 'sdk', NULL, NULL, '2026-03-29 22:31')`;
    await warehouse.db.exec(`INSERT INTO booking_event VALUES ${Array.from({ length: 12 }, (_, n) => event(n + 1)).join(', ')}`);
    await warehouse.db.exec(
      "INSERT INTO booking SELECT 'stale', version, event_id, type, user_id, tour_id, occurred_at, seats, amount_minor, currency, channel, source FROM booking_event LIMIT 1",
    );
    const { out } = await run(['--url', local, '--rebuild', '--yes']);
    assert.match(out, /^made anew from booking_event: kpi_hourly and booking,/m);
    const shown = async (sql: string) => (await warehouse.db.query(sql)).rows;
    assert.deepEqual(
      await shown('SELECT booking_id AS id, version AS v, event_id AS e, seats AS s FROM booking ORDER BY version'),
      [9, 10, 11, 12].map((n) => ({ id: `b${n % 4}`, v: n, e: `e${n}`, s: n })),
    );
    assert.deepEqual(await shown('SELECT changed FROM kpi_hourly'), [{ changed: 12 }]);
  });

  it('--check is content with what it applied, and names what was changed since', async () => {
    const sound = await json(['--url', local, '--check']);
    assert.deepEqual([sound['ok'], sound['faults'], sound['extras'], sound['pending']], [true, [], [], []]);
    const { rows } = await warehouse.db.query<{ name: string; checksum: string }>(
      'SELECT name, checksum FROM schema_migration WHERE version = (SELECT MAX(version) FROM schema_migration)',
    );
    await warehouse.db.exec('DELETE FROM schema_migration WHERE version = (SELECT MAX(version) FROM schema_migration)');
    const missing = await json(['--url', local, '--check']);
    assert.deepEqual([missing['ok'], missing['faults'], missing['version']], [false, [], schemaVersion - 1]);
    await warehouse.db.query('INSERT INTO schema_migration VALUES ($1, $2, $3)', [schemaVersion, rows[0]?.name, rows[0]?.checksum]);
    await warehouse.db.exec('ALTER TABLE booking DROP COLUMN channel; CREATE TABLE by_hand (n INTEGER)');
    const { code, out } = await run(['--url', local, '--check']);
    assert.equal(code, 1);
    assert.match(out, /FAULT +column booking\.channel is missing/);
    assert.match(out, /no build made table or view by_hand/);
    const applied = await run(['--url', local, '--yes']);
    assert.equal(applied.code, 1, '--yes does not end well over what no migration mends');
    assert.match(applied.out, /FAULT +column booking\.channel is missing/);
  });

  it('stops at a migration that was changed after it was applied, and the audit says so', async () => {
    await warehouse.db.exec("UPDATE schema_migration SET checksum = 'x' WHERE version = 1");
    assert.match((await run(['--url', local])).out, /applied +1 .*CHANGED since it was applied/);
    const objects = pathToFileURL(join(folder, 'second')).href;
    await assert.rejects(run(['--url', local, '--yes', '--objects', objects]), { code: 'WAREHOUSE_SCHEMA' });
    assert.deepEqual((await audited(objects))[1]?.['failed'], 'WAREHOUSE_SCHEMA');
  });
});
