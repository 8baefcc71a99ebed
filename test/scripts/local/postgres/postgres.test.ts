import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { partEnvironment } from '../../../../scripts/local/local-environment.ts';
import { startPostgres } from '../../../../scripts/local/postgres/postgres.ts';
import type { ManagedProcess } from '../../../../scripts/local/process/managed-process.ts';

describe('the local Postgres', function () {
  this.timeout(60_000);
  let folder: string;
  let url: string;
  let server: ManagedProcess;
  let clients: pg.Client[];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    ({ url, process: server } = await start());
  });
  after(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });
  beforeEach(async () => {
    clients = [];
    const client = await connected();
    await client.query('DROP TABLE IF EXISTS t; CREATE TABLE t (x int, y text)');
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()));
  });

  const start = () => startPostgres({ dataDir: join(folder, 'data'), logFile: join(folder, 'postgres.log'), env: partEnvironment(folder) });
  const connected = async (): Promise<pg.Client> => {
    const client = new pg.Client(url);
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const count = async (client: pg.Client): Promise<number> =>
    (await client.query<{ n: number }>('SELECT count(*)::int AS n FROM t')).rows[0]?.n ?? -1;
  const copy = (client: pg.Client, rows: Iterable<string>, sql = 'COPY t FROM STDIN') =>
    pipeline(Readable.from(rows), client.query(copyFrom(sql)));
  const vanish = (client: pg.Client): void => {
    clients.splice(clients.indexOf(client), 1);
    client.connection.stream.destroy();
  };

  it('keeps the messages of one query together, though others come between its packets', async () => {
    // A parameter that needs many packets: the statement is parsed long before the parameter is there.
    const long = 'x'.repeat(1_000_000);
    const ask = async (client: pg.Client, name: string, value: string, times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        const { rows } = await client.query(`SELECT $1::text AS ${name}`, [`${i}${value}`]);
        assert.ok(rows[0]?.[name] === `${i}${value}`, name);
      }
    };
    const [a, b, c] = await Promise.all([connected(), connected(), connected()]);
    await Promise.all([ask(a, 'long', long, 3), ask(b, 'short', '', 50), ask(c, 'other', '', 50)]);
  });

  it('takes COPY FROM STDIN while another client asks, in a transaction or not', async () => {
    const [writer, reader] = await Promise.all([connected(), connected()]);
    const rows = Array.from({ length: 200 }, (_, i) => `${i}\t${'y'.repeat(1_000)}\n`);
    const asked: number[] = [];
    let copying = true;
    const asking = (async () => {
      while (copying) asked.push(await count(reader));
    })();
    await copy(writer, rows);
    await writer.query('BEGIN');
    await copy(writer, rows);
    await writer.query('COMMIT');
    copying = false;
    await asking;
    assert.equal(await count(reader), 400);
    assert.deepEqual(
      asked.filter((n) => ![0, 200, 400].includes(n)),
      [],
    );
  });

  it('reports a COPY that fails, and goes on', async () => {
    const client = await connected();
    await assert.rejects(copy(client, ['no number\ty\n']), /invalid input syntax for type integer/);
    await assert.rejects(copy(client, ['1\ty\n'], 'COPY nowhere FROM STDIN'), /relation "nowhere" does not exist/);
    assert.equal(await count(client), 0);
  });

  it('rolls back what a client that went away had begun', async () => {
    const [other, dying, copying] = await Promise.all([connected(), connected(), connected()]);
    await dying.query('BEGIN');
    await dying.query('INSERT INTO t VALUES (1, $1)', ['lost']);
    vanish(dying);
    assert.equal(await count(other), 0);

    const stream = copying.query(copyFrom('COPY t FROM STDIN'));
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.write('1\tlost\n', resolve));
    vanish(copying);
    assert.equal(await count(other), 0);
  });

  it('keeps its rows through a restart', async () => {
    await (await connected()).query("INSERT INTO t VALUES (7, 'kept')");
    await Promise.all(clients.splice(0).map((client) => client.end()));
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    ({ url, process: server } = await start());
    assert.equal(await count(await connected()), 1);
  });

  it('says so when its port is taken, and leaves no process', async () => {
    const taken = {
      dataDir: join(folder, 'other'),
      logFile: join(folder, 'other.log'),
      env: partEnvironment(folder),
      port: Number(new URL(url).port),
    };
    await assert.rejects(startPostgres(taken), /Postgres ended before it was ready[^]*EADDRINUSE/);
  });
});
