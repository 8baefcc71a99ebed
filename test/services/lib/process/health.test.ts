import assert from 'node:assert/strict';
import { type HealthServer, startHealthServer } from '../../../../services/lib/process/health.ts';
import { requirePart } from '../../../support/optional.ts';
import { isLoopback, listenersOf } from '../../../support/sockets.ts';

describe('the health server', () => {
  let server: HealthServer;
  let healthy = true;
  const start = (port = 0) =>
    startHealthServer({
      port,
      health: () => ({ healthy, state: 'RUNNING' }),
      metrics: () => (healthy ? Promise.resolve('up 1\n') : Promise.reject(new Error('no'))),
    });

  beforeEach(async () => {
    healthy = true;
    server = await start();
  });
  afterEach(() => server.close());
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);

  it('answers 200 or 503 with the report', async () => {
    const good = await get('/healthz');
    assert.deepEqual([good.status, await good.json()], [200, { healthy: true, state: 'RUNNING' }]);
    healthy = false;
    assert.equal((await get('/healthz?x=1')).status, 503);
  });

  it('answers metrics as text, and 500 when they cannot be made', async () => {
    const answer = await get('/metrics');
    assert.deepEqual([answer.headers.get('content-type'), await answer.text()], ['text/plain; version=0.0.4', 'up 1\n']);
    healthy = false;
    assert.equal((await get('/metrics')).status, 500);
  });

  it('knows nothing else', async () => {
    assert.equal((await get('/')).status, 404);
    assert.equal((await get('/healthz', { method: 'POST' })).status, 404);
  });

  it('is for this machine alone', function () {
    requirePart(this, 'linux');
    const own = listenersOf([process.pid]).filter(({ port }) => port === server.port);
    assert.deepEqual(own.map(isLoopback), [true]);
  });

  it('says which setting to change when its port is taken', async () => {
    await assert.rejects(start(server.port), { code: 'CONFIG_INVALID', message: /HEALTH_PORT \d+: .*EADDRINUSE/ });
  });
});
