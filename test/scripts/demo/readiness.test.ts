import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { notReading } from '../../../scripts/demo/readiness.ts';

describe('readiness of a consumer', () => {
  let server: Server;
  let metrics = '';
  const service = () => ({ id: 'fraud-detector', port: (server.address() as AddressInfo).port });

  before(async () => {
    server = createServer((_, response) => void response.end(metrics)).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  it('is there when each open shard has a gauge, whatever its lag', async () => {
    metrics = 'millis_behind_latest{shard="a"} 0\nmillis_behind_latest{shard="b"} 5000\n';
    assert.deepEqual(await notReading([service()], ['a', 'b']), []);
  });

  it('is not there while a shard has none, as after a reshard or in a process that has just started', async () => {
    metrics = 'millis_behind_latest{shard="a"} 0\ncheckpoints{shard="b"} 1\n';
    assert.deepEqual(await notReading([service()], ['a', 'b']), ['fraud-detector does not read b']);
    metrics = '';
    assert.equal((await notReading([service()], ['a', 'b'])).length, 2);
  });

  it('may be asked for without a lag', async () => {
    metrics = 'millis_behind_latest{shard="a"} 0\nmillis_behind_latest{shard="b"} 5000\n';
    assert.deepEqual(await notReading([service()], ['a', 'b'], 4_999), ['fraud-detector is 5000 ms behind on b']);
    assert.deepEqual(await notReading([service()], ['a', 'b'], 5_000), []);
  });

  it('is there when the tasks of a service read all shards together, whichever is down', async () => {
    metrics = 'millis_behind_latest{shard="a"} 0\n';
    const down = { id: 'fraud-detector-2', port: undefined };
    assert.deepEqual(await notReading([service(), down], ['a']), []);
    assert.deepEqual(await notReading([service(), down], ['a', 'b']), ['fraud-detector does not read b']);
  });

  it('is not there while the service is down', async () => {
    assert.deepEqual(await notReading([{ id: 'fraud-detector', port: undefined }], []), ['fraud-detector does not run']);
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await new Promise((resolve) => other.close(resolve));
    assert.deepEqual(await notReading([{ id: 'fraud-detector', port }], []), ['fraud-detector does not answer']);
  });
});
