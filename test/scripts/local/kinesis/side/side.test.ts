import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import { ListStreamsCommand } from '@aws-sdk/client-kinesis';
import fc from 'fast-check';
import { maxFaults } from '../../../../../scripts/local/kinesis/faults/fault-schema.ts';
import { startKinesis } from '../../../../../scripts/local/kinesis/server.ts';
import type { Problem } from '../../../../../scripts/local/kinesis/side/problems.ts';
import { awsError, Rig } from '../rig.ts';
import { SideClient } from './client.ts';

interface Http2Answer {
  readonly status: number;
  readonly body: string;
}

function overHttp2(session: ClientHttp2Session, method: string, path: string, body = ''): Promise<Http2Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path }, { endStream: false });
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (headers) => (status = Number(headers[':status'])));
    stream.on('data', (chunk: string) => (text += chunk));
    stream.on('error', reject);
    stream.on('end', () => resolve({ status, body: text }));
    stream.end(body);
  });
}

describe('local Kinesis: the side endpoint', () => {
  let rig: Rig;
  let side: SideClient;
  before(async () => {
    rig = await Rig.start();
    side = new SideClient(rig.server.endpoint);
  });
  after(() => rig.stop());
  afterEach(() => side.clear());

  const problemsOf = async (method: string, path: string, body?: unknown): Promise<Problem[]> => {
    const answer = await side.call(method, path, body);
    assert.deepEqual([answer.status, answer.body['error']], [400, 'BadRequest']);
    return answer.body['problems'] as Problem[];
  };

  it('lists what there is, each with an example that works as it stands', async () => {
    const { status, body } = await side.call('GET', '');
    assert.equal(status, 200);
    const paths = Object.entries(body['paths'] as Record<string, { what: string; example: string }>);
    assert.ok(paths.length >= 9);
    for (const [path, { example }] of paths.sort(([a], [b]) => Number(a.startsWith('DELETE')) - Number(b.startsWith('DELETE')))) {
      const words = example.replace('ENDPOINT', rig.server.endpoint).replaceAll("'", '');
      const [, url = ''] = /(http\S+)/.exec(words) ?? [];
      const [, body] = / -d (.*)$/.exec(words) ?? [];
      const [, method = body === undefined ? 'GET' : 'POST'] = / -X (\w+)/.exec(words) ?? [];
      const answer = (await (await fetch(url, { method, ...(body !== undefined && { body }) })).json()) as { error?: string };
      // The advance by a day has no effect on the others; f1 is the fault that the example before it has set.
      assert.equal(answer.error, undefined, `${path}: ${example}`);
    }
    await side.call('POST', 'limits', { limits: true });
  });

  it('answers over HTTP/2 as over HTTP/1.1', async () => {
    const session = connect(rig.server.endpoint);
    try {
      assert.deepEqual(await overHttp2(session, 'GET', '/_local/limits'), { status: 200, body: '{\n  "limits": true\n}\n' });
      const set = await overHttp2(session, 'POST', '/_local/faults', '{"kind":"error","id":"h2"}');
      assert.deepEqual([set.status, JSON.parse(set.body)], [201, { ids: ['h2'] }]);
      assert.equal((await overHttp2(session, 'DELETE', '/_local/faults/h2')).status, 200);
      assert.equal((await overHttp2(session, 'GET', '/_local/nowhere')).status, 404);
    } finally {
      session.destroy();
    }
  });

  it('sets one fault or a list, shows them with their counts, and removes one or all', async () => {
    assert.deepEqual((await side.call('POST', 'faults', { kind: 'throttle', id: 'one', operations: ['ListStreams'] })).body, {
      ids: ['one'],
    });
    const [two] = await side.set({ kind: 'slow', delayMs: 5, stream: 's' }, { kind: 'reset', id: 'three', fromMs: 60_000 });
    await assert.rejects(
      rig.client.send(new ListStreamsCommand({})),
      awsError('LimitExceededException', /^Rate exceeded for account 0{12}\.$/),
    );
    const { body } = await side.call('GET', 'faults');
    assert.deepEqual(body, {
      seed: 1,
      faults: [
        { kind: 'throttle', id: 'one', operations: ['ListStreams'], state: 'active', setAtMs: rig.nowMs, considered: 1, applied: 1 },
        { kind: 'slow', id: two, delayMs: 5, stream: 's', state: 'active', setAtMs: rig.nowMs, considered: 0, applied: 0 },
        { kind: 'reset', id: 'three', fromMs: 60_000, state: 'waiting', setAtMs: rig.nowMs, considered: 0, applied: 0 },
      ],
    });
    const removed = (await side.call('DELETE', 'faults/one')).body['removed'] as { id: string; applied: number }[];
    assert.deepEqual(
      removed.map(({ id, applied }) => [id, applied]),
      [['one', 1]],
    );
    assert.deepEqual(
      (await side.faults()).map(({ id }) => id),
      [two, 'three'],
    );
    assert.equal((await side.call('DELETE', 'faults/one')).status, 404);
  });

  it('names all that is wrong with faults at once, and sets none of them', async () => {
    const problems = await problemsOf('POST', 'faults', [
      { kind: 'throttle' },
      { kind: 'slow', delayMs: '5', probability: 2, operations: ['Put', 'PutRecord'], stream: 'a b', colour: 'red' },
      { kind: 'explode' },
      { kind: 'partial', operations: ['PutRecord'] },
      'throttle',
    ]);
    assert.deepEqual(
      problems.map(({ path, value, expected }) => [path, value, expected.slice(0, 40)]),
      [
        ['[1].delayMs', '5', 'a number'],
        ['[1].stream', 'a b', '1 to 128 of letters, digits, _ . -'],
        ['[1].probability', 2, 'at most 1'],
        ['[1].operations[0]', 'Put', 'one of AddTagsToStream, CreateStream, De'],
        ['[1].colour', 'red', 'none of this name here'],
        ['[2].kind', 'explode', 'one of throttle, error, reset, lost, slo'],
        ['[3].operations', 'a list of 1', 'none of this name here'],
        ['[4]', 'throttle', 'an object'],
      ],
    );
    assert.deepEqual(await side.faults(), []);
    assert.deepEqual(
      await problemsOf('POST', 'faults', [
        { kind: 'reset', id: 'a' },
        { kind: 'reset', id: 'a' },
      ]),
      [{ path: '[1].id', value: 'a', expected: 'an id that no other fault has' }],
    );
    await side.set(...Array.from({ length: maxFaults }, () => ({ kind: 'reset' as const, stream: 'none' })));
    assert.match((await problemsOf('POST', 'faults', { kind: 'reset' }))[0]?.expected ?? '', /^at most 100 at once/);
    assert.match((await problemsOf('POST', 'faults', 'kind: reset'))[0]?.expected ?? '', /^JSON \(/);
  });

  it('refuses queries it does not know, with what it does', async () => {
    const problems = await problemsOf('GET', 'metrics?name=incomingbytes&from=yesterday&stream=a&stream=b&colour=red');
    assert.deepEqual(
      problems.map(({ path, value, expected }) => [path, value, expected.slice(0, 30)]),
      [
        ['stream', 'a list of 2', 'text'],
        ['name[0]', 'incomingbytes', 'one of GetRecords.Bytes, GetRe'],
        ['from', 'yesterday', 'epoch ms'],
        ['colour', 'red', 'none of this name here'],
      ],
    );
    assert.deepEqual(await problemsOf('GET', 'clock?at=5'), [{ path: 'at', value: '5', expected: 'none of this name here' }]);
  });

  it('tells what to do instead: 404, 405 with what is allowed, 413', async () => {
    const missing = await side.call('GET', 'metric');
    assert.deepEqual(
      [missing.status, missing.body],
      [404, { error: 'NotFound', message: 'There is no /_local/metric: GET /_local/ lists what there is.' }],
    );
    const wrong = await side.call('PUT', 'faults', {});
    assert.deepEqual([wrong.status, wrong.headers.get('allow'), wrong.body['error']], [405, 'GET, POST, DELETE', 'MethodNotAllowed']);
    assert.equal((await side.call('POST', '')).status, 405);
    assert.equal((await side.call('POST', 'faults', ' '.repeat(65_537))).status, 413);
    assert.equal((await side.call('POST', 'faults', ' '.repeat(17_000_000))).status, 413);
  });

  it('moves the clock on, never back', async () => {
    const { body } = await side.call('GET', 'clock');
    assert.equal(body['nowMs'], rig.nowMs);
    const day = 86_400_000;
    const before = rig.nowMs;
    assert.deepEqual((await side.call('POST', 'clock', { advanceMs: day })).body, { nowMs: before + day });
    assert.equal(rig.nowMs, before + day);
    for (const advanceMs of [-1, 0, 0.5, '1', 8_760 * 3_600_000 + 1]) await problemsOf('POST', 'clock', { advanceMs });
    assert.equal(rig.nowMs, before + day);
  });

  it('keeps limits or not, from the next request on', async () => {
    await rig.create('limited', 1);
    const failed = async () =>
      (
        await rig.put(
          'limited',
          Array.from({ length: 400 }, () => ({ key: 'k', data: '' })),
        )
      ).FailedRecordCount;
    assert.deepEqual([await failed(), await failed(), await failed()], [0, 0, 200]);
    assert.deepEqual((await side.call('POST', 'limits', { limits: false })).body, { limits: false });
    assert.deepEqual([await failed(), await failed()], [0, 0]);
    assert.deepEqual((await side.call('POST', 'limits', { limits: true })).body, { limits: true });
    assert.equal(await failed(), 400);
    await problemsOf('POST', 'limits', { limits: 'off' });
  });

  it('leaves paths beside it to the API', async () => {
    const answer = await fetch(`${rig.server.endpoint}/_locality`);
    assert.deepEqual([answer.status, ((await answer.json()) as { __type: string }).__type], [400, 'UnknownOperationException']);
  });

  it('takes anything and lives on', async () => {
    const path = fc.oneof(
      fc.constantFrom('faults', 'metrics', 'clock', 'limits', '', 'faults/f1', 'faults/%00', '../x', '__proto__', 'constructor'),
      fc.webPath(),
    );
    const query = fc.oneof(
      fc.constant(''),
      fc.webQueryParameters().map((text) => `?${text}`),
    );
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc
        .record({ kind: fc.constantFrom('slow', 'skew', 'partial'), delayMs: fc.anything() })
        .map((v) => JSON.stringify(v, (_, x: unknown) => (typeof x === 'bigint' ? String(x) : x))),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('GET', 'POST', 'DELETE', 'PUT', 'PATCH'), path, query, body, async (method, path, query, body) => {
        const answer = await fetch(`${rig.server.endpoint}/_local/${path.replace(/^\/+/, '')}${query}`, {
          method,
          ...(method !== 'GET' && { body }),
        });
        const text = await answer.text();
        assert.ok([200, 201, 400, 404, 405].includes(answer.status), `${answer.status} ${text}`);
        assert.doesNotThrow(() => void JSON.parse(text));
      }),
      { numRuns: 60 },
    );
    assert.equal((await side.call('GET', 'limits')).status, 200);
  });

  it('has its faults at the start too, or does not start', async () => {
    const server = await startKinesis({ faults: { kind: 'error', id: 'a' }, seed: 9 });
    const { body } = await new SideClient(server.endpoint).call('GET', 'faults');
    assert.deepEqual([body['seed'], (body['faults'] as { id: string }[]).map(({ id }) => id)], [9, ['a']]);
    await server.close();
    await assert.rejects(startKinesis({ faults: [{ kind: 'error', times: 0 }] }), /^InvalidInput|\[0\]\.times: 0, expected at least 1/);
  });
});
