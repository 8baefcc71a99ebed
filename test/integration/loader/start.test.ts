import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../../services/lib/process/log.ts';
import { applyCalendar } from '../../../services/lib/warehouse/calendar.ts';
import { openDatabase, type Session } from '../../../services/lib/warehouse/database.ts';
import { migrate, schemaVersion } from '../../../services/lib/warehouse/migrations.ts';
import { loaderGrants } from '../../../services/lib/warehouse/rights.ts';
import { DailyCheck } from '../../../services/redshift-loader/daily-check.ts';
import { mayStart } from '../../../services/redshift-loader/preflight.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { requirePart } from '../../support/optional.ts';
import { AlertWorld } from './alert-world.ts';
import { type Authority, authenticate, createAuthority, serveTls } from './certificates.ts';
import { type RealPostgres, startRealPostgres } from './real-postgres.ts';
import { setUp } from './set-up.ts';

type Line = Readonly<Record<string, unknown>>;

describe('loader start against PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'start-'));
  let authority: Authority;
  let server: RealPostgres;
  let admin: Session;
  let port = '';

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'postgres');
    requirePart(this, 'openssl');
    authority = createAuthority(folder);
    server = await startRealPostgres();
    ({ port } = new URL(server.url));
    admin = await openDatabase(server.url).connect();
    await authenticate(admin, ['host all loader 127.0.0.1/32 scram-sha-256']);
    await admin.query("CREATE ROLE loader LOGIN PASSWORD 'right'");
    await migrate(openDatabase(server.url));
    await applyCalendar(openDatabase(server.url), 'Europe/Berlin');
    for (const grant of loaderGrants('loader')) await admin.query(grant);
  });
  after(async () => {
    await admin?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const loaderUrl = (): string => `postgres://loader:right@127.0.0.1:${port}/postgres`;
  const environment = (url: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    AWS_REGION: 'eu-west-1',
    OBJECTS_URL: 's3://bucket/prefix',
    WAREHOUSE_URL: url,
    ...more,
  });

  async function start(url: string, more?: Readonly<Record<string, string>>): Promise<{ started: boolean; line: Line }> {
    const lines: string[] = [];
    const started = await mayStart(
      environment(url, more),
      createLogger('test', 'info', (line) => void lines.push(line)),
      async () => {}, // the registry has its own test: services/redshift-loader/preflight.test.ts
    );
    assert(!lines.join('').includes('right@') && !lines.join('').includes('wrong@'), 'no password in the log');
    return { started, line: (lines[0] === undefined ? {} : JSON.parse(lines[0])) as Line };
  }

  /** What the log says, key by key; the rest of the line is for machines. */
  async function refusal(url: string, more?: Readonly<Record<string, string>>): Promise<Line> {
    const { started, line } = await start(url, more);
    assert.equal(started, false);
    const { event, level, code, key, value, expected, remedy } = line;
    assert.deepEqual([event, level], ['launcher.failed', 'error']);
    for (const part of [expected, remedy]) assert(String(line['msg']).includes(String(part)), String(line['msg']));
    return { code, key, value, expected, remedy };
  }

  it('goes on when all is right, with no more than the rights of the list', async () => {
    assert.deepEqual(await start(loaderUrl()), { started: true, line: {} });
  });

  it('those rights are enough to load, again and anew', async function () {
    this.timeout(30_000);
    const t = setUp(openDatabase(loaderUrl()));
    await t.stage('s', [bookingEventOf('rights-1', 1), bookingEventOf('rights-2', 1)]);
    assert.deepEqual(await t.committer().run(), { kind: 'committed', more: false });
    await t.stage('s', [bookingEventOf('rights-1', 2), bookingEventOf('rights-2', 1), bookingEventOf('rights-3', 1)]);
    assert.deepEqual(await t.committer().run(), { kind: 'committed', more: false });
    assert.deepEqual(await t.ledger(), { copied: 5, inserted: 4 });
  });

  it('and for the alerts, new and changed, and the daily count', async () => {
    const database = openDatabase(loaderUrl());
    const t = new AlertWorld(database);
    const id = t.raise();
    const load = t.load();
    await load.run();
    t.mark(id, { withheldAt: t.now });
    await load.run();
    assert.deepEqual(await t.loaded(), [`${id} withheld`]);
    await new DailyCheck({ database, log: createLogger('test', 'info', () => {}), metrics: t.metrics, now: () => t.now }).run();
    assert.equal(t.gauge('events_doubled'), 0);
  });

  it('ends on a host that no name server knows', async () => {
    const host = `${'x'.repeat(64)}.example`; // longer than a name may be: refused without asking anybody
    assert.deepEqual(await refusal(`postgres://loader:right@${host}/postgres`), {
      code: 'WAREHOUSE_REFUSED',
      key: 'WAREHOUSE_URL',
      value: `postgres://loader@${host}/postgres`,
      expected: 'a host that a name server knows',
      remedy: 'correct the host of WAREHOUSE_URL: no name server knows it',
    });
  });

  it('ends on a login that is refused and on a database that is not there', async () => {
    const login = await refusal(`postgres://loader:wrong@127.0.0.1:${port}/postgres`);
    assert.equal(login['expected'], 'a login that the warehouse accepts');
    assert.match(String(login['remedy']), /correct user and password/);
    const database = await refusal(`postgres://loader:right@127.0.0.1:${port}/other`);
    assert.equal(database['expected'], 'a database that is there');
  });

  it('ends on a missing table, a missing right and an older schema, and says how each is mended', async () => {
    const broken: readonly (readonly [string, string, string, RegExp])[] = [
      ['ALTER TABLE booking RENAME TO elsewhere', 'ALTER TABLE elsewhere RENAME TO booking', 'WAREHOUSE_SCHEMA', /npm run migrate/],
      [
        'ALTER TABLE schema_migration RENAME TO elsewhere',
        'ALTER TABLE elsewhere RENAME TO schema_migration',
        'WAREHOUSE_SCHEMA',
        /npm run migrate/,
      ],
      ['REVOKE USAGE ON SCHEMA public FROM PUBLIC', 'GRANT USAGE ON SCHEMA public TO PUBLIC', 'WAREHOUSE_SCHEMA', /npm run migrate/],
      [
        'REVOKE INSERT, UPDATE ON load_watermark FROM loader',
        'GRANT INSERT, UPDATE ON load_watermark TO loader',
        'WAREHOUSE_REFUSED',
        /^GRANT INSERT, UPDATE ON load_watermark TO "loader"$/,
      ],
      [
        'DELETE FROM warehouse_setting',
        "INSERT INTO warehouse_setting (name, value) VALUES ('business_time_zone', 'Europe/Berlin')",
        'WAREHOUSE_SCHEMA',
        /npm run migrate/,
      ],
      [
        `UPDATE schema_migration SET version = version + 100 WHERE version = ${schemaVersion}; UPDATE schema_migration SET version = 0 WHERE version > 100`,
        `UPDATE schema_migration SET version = ${schemaVersion} WHERE version = 0`,
        'WAREHOUSE_SCHEMA',
        /npm run migrate/,
      ],
    ];
    for (const [breaking, mending, code, remedy] of broken) {
      await admin.query(breaking);
      try {
        const problem = await refusal(loaderUrl());
        assert.equal(problem['code'], code, breaking);
        assert.equal(problem['value'], `postgres://loader@127.0.0.1:${port}/postgres`);
        assert.match(String(problem['remedy']), remedy);
      } finally {
        await admin.query(mending);
      }
    }
    assert.equal((await start(loaderUrl())).started, true);
  });

  it('ends on a certificate that expired, is for another host, or of an unknown authority; and without TLS', async () => {
    const tls = { WAREHOUSE_CA_FILE: authority.caFile };
    const expected = 'TLS, with a certificate of a trusted authority that is valid now and for this host';
    assert.equal((await refusal(loaderUrl(), tls))['expected'], expected);
    await serveTls(admin, authority.issue('good', { names: 'IP:127.0.0.1' }));
    assert.equal((await start(loaderUrl(), tls)).started, true);
    const stranger = createAuthority(mkdtempSync(join(folder, 'stranger-')));
    for (const [cert, code] of [
      [authority.issue('expired', { names: 'IP:127.0.0.1', days: -1 }), 'CERT_HAS_EXPIRED'],
      [authority.issue('elsewhere', { names: 'DNS:elsewhere.example' }), 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [stranger.issue('stranger', { names: 'IP:127.0.0.1' }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ] as const) {
      await serveTls(admin, cert);
      const { started, line } = await start(loaderUrl(), tls);
      assert.deepEqual([started, line['code'], line['expected']], [false, 'WAREHOUSE_REFUSED', expected]);
      assert.match(JSON.stringify(line['err']), new RegExp(code));
    }
  });

  it('ends on a configuration that cannot be right, before it connects', async () => {
    for (const [more, told] of [
      [{ WAREHOUSE_COPY_ROLE_ARN: 'copy-role' }, /WAREHOUSE_COPY_ROLE_ARN is "copy-role": expected arn:aws:iam/],
      [{ WAREHOUSE_CA_FILE: '/nowhere/ca.pem' }, /WAREHOUSE_CA_FILE is \/nowhere\/ca\.pem/],
      [{ WAREHOUSE_URL: 'redshift://h/db?workgroup=wg1' }, /WAREHOUSE_COPY_ROLE_ARN is not set/],
      [{ WAREHOUSE_URL: 'redshift://127.0.0.1/db?workgroup=wg1&endpoint=http://127.0.0.1:1' }, /expected no endpoint/],
      [{ LOCAL_MODE: 'true', WAREHOUSE_URL: 'postgres://u:right@db.example/db' }, /expected a loopback URL/],
      [{ LOCAL_MODE: 'true', WAREHOUSE_URL: 'redshift://127.0.0.1/db?workgroup=wg1' }, /endpoint=http/],
    ] as const) {
      const { started, line } = await start(loaderUrl(), more);
      assert.equal(started, false, told.source);
      assert.match(String(line['msg']), told);
    }
  });

  it('goes on when the warehouse is merely down: refused, starting up, full of sessions', async () => {
    const { started, line } = await start('postgres://postgres@127.0.0.1:1/postgres');
    assert.deepEqual([started, line['event'], line['level']], [true, 'warehouse.away', 'warn']);
    await admin.query('ALTER ROLE loader CONNECTION LIMIT 0');
    const crowded = await start(loaderUrl());
    await admin.query('ALTER ROLE loader CONNECTION LIMIT -1');
    assert.deepEqual([crowded.started, crowded.line['event']], [true, 'warehouse.away']);
  });

  it('ends the process with 1 before the launcher starts anything', async function () {
    this.timeout(30_000);
    const main = fileURLToPath(new URL('../../../services/redshift-loader/main.ts', import.meta.url));
    const env = { ...environment(`postgres://loader:wrong@127.0.0.1:${port}/postgres`), PATH: process.env['PATH'] ?? '' };
    const child = spawn(process.execPath, ['--import', 'tsx', main], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [code] = await new Promise<[number | null]>((resolve) => child.once('close', (exit) => resolve([exit])));
    const lines = Buffer.concat(chunks).toString('utf8').trim().split('\n');
    assert.equal(code, 1);
    assert.equal(lines.length, 1);
    assert.equal((JSON.parse(lines[0] ?? '') as Line)['event'], 'launcher.failed');
  });
});
