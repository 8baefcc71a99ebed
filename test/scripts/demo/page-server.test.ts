import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type PageServer, startPageServer } from '../../../scripts/demo/page-server.ts';
import { requirePart } from '../../support/optional.ts';
import { isLoopback, listenersOf } from '../../support/sockets.ts';
import { snapshotAt } from './snapshots.ts';

let server: PageServer;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function ask(path: string, options: { headers?: Record<string, string>; method?: string; until?: RegExp } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, until } = options;
    const sent = request(new URL(path, server.url), { method, headers, agent: false }, (response) => {
      let body = '';
      const done = (): void => resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
        if (until?.test(body)) {
          done();
          sent.destroy();
        }
      });
      response.on('end', done);
    });
    sent.on('error', reject).end();
  });
}

describe('the page server', () => {
  beforeEach(async () => {
    server = await startPageServer(0);
  });
  afterEach(() => server.close());

  it('serves the page with a policy that lets nothing but its own files in', async () => {
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/page.css', 'text/css'],
      ['/page.js', 'text/javascript'],
    ] as const) {
      const { status, headers, body } = await ask(path);
      assert.equal(status, 200);
      assert.match(String(headers['content-type']), new RegExp(`^${type}`));
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /default-src 'none'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.ok(!policy.includes('unsafe') && !policy.includes('*'));
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.ok(!/https?:\/\/(?!www\.w3\.org)/.test(body), `${path} names another host`);
    }
  });

  it('sets all text of events as text', async () => {
    const { body } = await ask('/page.js');
    assert.ok(!/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/.test(body));
  });

  it('refuses a Host or an Origin that is not its own', async () => {
    const { host } = new URL(server.url);
    const port = host.split(':')[1];
    assert.equal((await ask('/', { headers: { host: 'evil.example' } })).status, 403);
    assert.equal((await ask('/', { headers: { host: `evil.example:${port}` } })).status, 403);
    assert.equal((await ask('/', { headers: { host: '127.0.0.1:1' } })).status, 403);
    assert.equal((await ask('/events', { headers: { origin: 'http://evil.example' } })).status, 403);
    assert.equal((await ask('/events', { headers: { origin: 'null' } })).status, 403);
    assert.equal((await ask('/', { headers: { host: `localhost:${port}`, origin: `http://${host}` } })).status, 200);
  });

  it('takes GET only, and knows its paths only', async () => {
    assert.equal((await ask('/', { method: 'POST' })).status, 405);
    assert.equal((await ask('/../package.json')).status, 404);
    assert.equal((await ask('/page/index.html')).status, 404);
  });

  it('sends the newest snapshot at once and each one that follows', async () => {
    server.publish(snapshotAt(1));
    const both = ask('/events', { until: /"now":2/ });
    await ask('/snapshot.json');
    server.publish(snapshotAt(2));
    const { headers, body } = await both;
    assert.match(String(headers['content-type']), /^text\/event-stream/);
    assert.match(body, /^retry: 1000\n\ndata: \{.*"now":[12]/);
    assert.equal((JSON.parse((await ask('/snapshot.json')).body) as { now: number }).now, 2);
  });

  it('says which port is taken and what to do', async () => {
    const port = Number(new URL(server.url).port);
    await assert.rejects(startPageServer(port), new RegExp(`port ${port} of 127.0.0.1 is taken: choose another with --port`));
  });

  it('listens on loopback only', function () {
    requirePart(this, 'linux');
    const port = Number(new URL(server.url).port);
    const listeners = listenersOf([process.pid]).filter((listener) => listener.port === port);
    assert.equal(listeners.length, 1);
    assert.ok(listeners.every(isLoopback));
  });
});
