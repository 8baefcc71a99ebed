import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountOf } from '../../../scripts/migrate/place.ts';
import { type Database, defaultSessionLimits, openDatabase, type Session } from '../../../services/lib/warehouse/database.ts';
import type { WarehouseError } from '../../../services/lib/warehouse/pg-errors.ts';
import { serverlessClient } from '../../../services/lib/warehouse/serverless-credentials.ts';
import { requirePart } from '../../support/optional.ts';
import { type Authority, authenticate, createAuthority, serveTls } from './certificates.ts';
import { type FakeRedshiftServerless, startFakeRedshiftServerless } from './fake-redshift-serverless.ts';
import { type RealPostgres, startRealPostgres } from './real-postgres.ts';

/** Redshift's wire protocol is PostgreSQL's: a real PostgreSQL stands for the cluster, a fake for the API. */
describe('temporary login at a workgroup, over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'login-'));
  let authority: Authority;
  let server: RealPostgres;
  let admin: Session;
  let api: FakeRedshiftServerless;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'postgres');
    requirePart(this, 'openssl');
    authority = createAuthority(folder);
    server = await startRealPostgres();
    admin = await openDatabase(server.url).connect();
    await serveTls(admin, authority.issue('server', { names: 'IP:127.0.0.1' }));
    await authenticate(admin, ['hostssl all "IAMR:loader" 127.0.0.1/32 scram-sha-256', 'hostnossl all "IAMR:loader" 127.0.0.1/32 reject']);
    await admin.query('CREATE ROLE "IAMR:loader" LOGIN');
    api = await startFakeRedshiftServerless(async (user, password) => {
      await admin.query(`ALTER ROLE "${user}" PASSWORD '${password}'`);
    });
  });
  beforeEach(() => {
    api.answer = { livesMs: 3_600_000 };
  });
  after(async () => {
    await api?.close();
    await admin?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function open(options: { readonly caFile?: string } = { caFile: authority.caFile }): Database {
    const { port } = new URL(server.url);
    const url = `redshift://127.0.0.1:${port}/postgres?workgroup=wg-1&endpoint=${encodeURIComponent(api.endpoint)}`;
    return openDatabase(url, defaultSessionLimits, { region: 'eu-west-1', ...options });
  }

  const whoAmI = async (database: Database): Promise<unknown> => {
    const session = await database.connect();
    try {
      const sql = 'SELECT current_user AS name, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls';
      return (await session.query(sql)).rows[0];
    } finally {
      await session.close();
    }
  };

  it('asks for workgroup, database and an hour; later sessions use the same', async () => {
    const before = api.asked.length;
    const database = open();
    assert.equal(database.dialect, 'redshift');
    assert.deepEqual(await whoAmI(database), { name: 'IAMR:loader', tls: true });
    assert.deepEqual(await whoAmI(database), { name: 'IAMR:loader', tls: true });
    assert.deepEqual(api.asked.slice(before), [{ workgroupName: 'wg-1', dbName: 'postgres', durationSeconds: 3_600 }]);
  });

  it('asks again 5 minutes before the login expires, and while it holds does without an API that is away', async function () {
    this.timeout(20_000);
    const before = api.asked.length;
    const database = open();
    api.answer = { livesMs: 299_000 };
    await whoAmI(database);
    await whoAmI(database);
    assert.equal(api.asked.length - before, 2);
    api.answer = { status: 400, type: 'AccessDeniedException' };
    await whoAmI(database);
    assert.equal(api.asked.length - before, 3);
  });

  it('asks again after a login that was refused', async () => {
    const database = open();
    await whoAmI(database);
    await admin.query(`ALTER ROLE "IAMR:loader" PASSWORD 'changed behind its back'`);
    await assert.rejects(whoAmI(database), { code: 'WAREHOUSE_REFUSED', fault: 'login' });
    assert.deepEqual(await whoAmI(database), { name: 'IAMR:loader', tls: true });
  });

  it('a right or a workgroup that is missing does not come by waiting, a fault of the API may', async function () {
    this.timeout(20_000);
    for (const [type, status, code, retriable, remedy] of [
      ['AccessDeniedException', 400, 'WAREHOUSE_REFUSED', false, /allow redshift-serverless:GetCredentials/],
      ['ResourceNotFoundException', 400, 'WAREHOUSE_REFUSED', false, /correct the workgroup/],
      ['InternalServerException', 500, 'WAREHOUSE_UNAVAILABLE', true, /tried again/],
    ] as const) {
      api.answer = { status, type };
      await assert.rejects(open().connect(), (error: Error & Partial<WarehouseError>) => {
        assert.match(error.message, /no login for workgroup wg-1/);
        assert.match(error.remedy ?? '', remedy);
        assert.deepEqual([error.code, error.retriable], [code, retriable]);
        return true;
      });
    }
  });

  it('tells the account of a workgroup from its ARN, or what right the shell lacks', async () => {
    const client = serverlessClient('eu-west-1', api.endpoint);
    assert.equal(await accountOf(client, 'wg-1'), '123456789012');
    api.answer = { status: 400, type: 'AccessDeniedException' };
    await assert.rejects(accountOf(client, 'wg-1'), { code: 'WAREHOUSE_REFUSED', remedy: /redshift-serverless:GetWorkgroup/ });
  });

  it('trusts no authority but those it was told of', async () => {
    const other = createAuthority(mkdtempSync(join(folder, 'other-')));
    await assert.rejects(open(other).connect(), (error: Error & { code?: string; fault?: string }) => {
      assert.deepEqual([error.code, error.fault], ['WAREHOUSE_REFUSED', 'certificate']);
      assert.match(String((error.cause as NodeJS.ErrnoException).code), /UNABLE_TO|SELF_SIGNED|CERT_SIGNATURE/);
      return true;
    });
  });
});
