import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastingPort } from '../../../../scripts/local/postgres-server/free-port.ts';
import { PostgresServer } from '../../../../scripts/local/postgres-server/postgres-server.ts';
import { openDatabase } from '../../../../services/lib/warehouse/database.ts';
import { requirePart } from '../../../support/optional.ts';
import { isLoopback, listenersOf } from '../../../support/sockets.ts';

describe('a port that is to last', () => {
  it('is passed over when it is taken, and lies below those of outgoing connections', async () => {
    const first = 20_000 + Math.floor(Math.random() * 6_000);
    const taken = net.createServer().listen(first, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const draws = [first, first + 1, first + 2, first + 3].map((port) => (port - 20_000) / 12_000 + 1e-9);
    const port = await lastingPort(() => draws.shift() ?? 0.99);
    taken.close();
    assert.notEqual(port, first);
    assert.ok(port > first && port <= 32_000, String(port));
  });
});

describe('a PostgreSQL of the machine', function () {
  this.timeout(60_000);
  let folder: string;
  let server: PostgresServer;

  before(async function () {
    requirePart(this, 'postgres');
    folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    server = await PostgresServer.start({ folder: join(folder, 'server'), logFile: join(folder, 'log') });
  });
  after(async () => {
    await server?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const ask = async (sql: string) => {
    const session = await openDatabase(server.url).connect();
    try {
      return (await session.query(sql)).rows;
    } finally {
      await session.close();
    }
  };

  it('comes back under the same URL after a crash, with what was committed and without what was not', async () => {
    await ask('CREATE TABLE t AS SELECT 1 AS x');
    const open = await openDatabase(server.url).connect();
    await open.query('BEGIN');
    await open.query('INSERT INTO t VALUES (2)');
    const { url } = server;
    await server.stop('immediate');
    await assert.rejects(ask('SELECT 1'), { code: 'WAREHOUSE_UNAVAILABLE' });
    await open.close();
    await server.start();
    assert.equal(server.url, url);
    assert.deepEqual(await ask('SELECT x FROM t'), [{ x: 1 }]);
  });

  it('listens on loopback alone, and runs as nobody when its caller is root', () => {
    const pid = server.process?.pid ?? 0;
    const listeners = listenersOf([pid]);
    assert.ok(listeners.length > 0);
    for (const listener of listeners) assert.ok(isLoopback(listener), JSON.stringify(listener));
    if (process.getuid?.() === 0) assert.equal(statSync(`/proc/${pid}`).uid, 65_534);
  });
});
