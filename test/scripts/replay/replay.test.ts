import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CreateStreamCommand, DescribeStreamSummaryCommand, GetRecordsCommand, GetShardIteratorCommand } from '@aws-sdk/client-kinesis';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { type KinesisServer, startKinesis } from '../../../scripts/local/kinesis/server.ts';
import { replayFlags } from '../../../scripts/replay/flags.ts';
import { replay } from '../../../scripts/replay/replay.ts';
import { openTarget } from '../../../scripts/replay/target.ts';
import { createDeadLetters } from '../../../services/lib/deadletter/dead-letters.ts';
import type { ObjectStore } from '../../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../../services/lib/objects/open.ts';
import { deaggregate, type UserRecord } from '../../../services/lib/producer/aggregation.ts';

const streamName = 'booking-changes';
const wholeRange = { start: 0n, end: 2n ** 128n - 1n };

describe('replay', () => {
  let root: string;
  let kinesis: KinesisServer;
  let store: ObjectStore;

  before(async () => {
    kinesis = await startKinesis({ limits: false });
    const client = openTarget(kinesis.endpoint, {}).kinesis;
    await client.send(new CreateStreamCommand({ StreamName: streamName, ShardCount: 1 }));
    const status = async () =>
      (await client.send(new DescribeStreamSummaryCommand({ StreamName: streamName }))).StreamDescriptionSummary?.StreamStatus;
    while ((await status()) !== 'ACTIVE') await sleep(10);
    client.destroy();
  });
  after(async () => {
    await kinesis.close();
  });
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'replay-'));
    store = openObjectStore(pathToFileURL(root).href, { AWS_REGION: 'us-east-1', LOCAL_MODE: true });
    const letters = createDeadLetters(store, 'event-router');
    const bodies: [string, Buffer, string, number][] = [
      ['1', Buffer.from([0xff, 0x00]), 'not-utf8', 1_000],
      ['2', Buffer.from('{'), 'not-json', 2_000],
      ['3', Buffer.from('{"a":"\u2028"}'), 'not-json', 3_000],
    ];
    for (const [sequenceNumber, data, reason, arrivedAt] of bodies) {
      const partitionKey = `key-${sequenceNumber}`;
      const source = { stream: streamName, shard: 'shardId-000000000000', sequenceNumber, subSequenceNumber: 0 };
      await letters.put({ ...source, partitionKey, data, reason, error: 'why', arrivedAt });
    }
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function run(...argv: string[]): Promise<{ code: number; out: string[]; notes: string[] }> {
    const out: string[] = [];
    const notes: string[] = [];
    const code = await replay(parseFlags(replayFlags, ['--service', 'event-router', '--objects', pathToFileURL(root).href, ...argv]), {
      env: {},
      out: (line) => out.push(line),
      note: (line) => notes.push(line),
      now: () => 1_760_000_000_000,
      signal: new AbortController().signal,
    });
    return { code, out, notes };
  }

  const result = (out: readonly string[]) => JSON.parse(out.at(-1) ?? '') as Record<string, unknown>;

  /** Everything on the stream, oldest first. */
  async function onStream(): Promise<UserRecord[]> {
    const { kinesis: client } = openTarget(kinesis.endpoint, {});
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName: streamName, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
    client.destroy();
    return Records.flatMap((record) => {
      const parts = deaggregate(Buffer.from(record.Data ?? []), record.PartitionKey ?? '', wholeRange);
      return parts.kind === 'stray' ? [] : [...parts.records];
    });
  }

  async function keysOf(prefix: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  }

  it('tells whoever finds nothing where dead letters are, and refuses a folder that is not there', async () => {
    const { code, notes } = await run('--reason', 'not-jason');
    assert.equal(code, 0);
    assert.ok(notes.includes('dead letters there, whatever their reason: event-router 3'), notes.join('\n'));
    const io = { env: {}, out: assert.fail, note: assert.fail, now: Date.now, signal: new AbortController().signal };
    const elsewhere = parseFlags(replayFlags, ['--service', 'event-router', '--objects', `${pathToFileURL(root).href}-gone`]);
    await assert.rejects(replay(elsewhere, io), UsageError);
  });

  it('that is stopped while it seeks tells what it found so far and sends nothing', async () => {
    const earlier = (await onStream()).length;
    const stop = new AbortController();
    const notes: string[] = [];
    const flags = parseFlags(replayFlags, [
      '--service',
      'event-router',
      '--objects',
      pathToFileURL(root).href,
      '--endpoint',
      kinesis.endpoint,
      '--yes',
    ]);
    stop.abort();
    const io = { env: {}, out: assert.fail, note: (line: string) => void notes.push(line), now: Date.now, signal: stop.signal };
    assert.equal(await replay(flags, io), 130);
    assert.deepEqual(notes, ['0 dead letters of event-router to send', 'stopped while dead letters were sought: nothing was sent']);
    assert.equal((await onStream()).length, earlier);
    assert.deepEqual(await keysOf('audit/'), []);
  });

  it('is a dry run first: lists what would be sent by reason, and writes nothing', async () => {
    const earlier = (await onStream()).length;
    const { code, out, notes } = await run('--endpoint', kinesis.endpoint);
    assert.equal(code, 0);
    assert.match(out.join('\n'), /booking-changes +not-json +2 .*\n.*booking-changes +not-utf8 +1 /);
    assert.match(notes.join('\n'), /account 000000000000, region us-east-1[^]*dry run/);
    assert.equal((await onStream()).length, earlier);
    assert.deepEqual([await keysOf('replayed/'), await keysOf('audit/')], [[], []]);
  });

  it('sends the original bytes under the original key once, marks them, and leaves an audit line', async () => {
    const earlier = (await onStream()).length;
    const first = await run('--endpoint', kinesis.endpoint, '--yes', '--json');
    assert.equal(first.code, 0);
    const expected = [
      { partitionKey: 'key-1', data: Buffer.from([0xff, 0x00]) },
      { partitionKey: 'key-2', data: Buffer.from('{') },
      { partitionKey: 'key-3', data: Buffer.from('{"a":"\u2028"}') },
    ];
    assert.deepEqual((await onStream()).slice(earlier), expected);
    assert.equal((await keysOf('replayed/')).length, 3);
    const audit = await keysOf('audit/replay/');
    assert.equal(audit.length, 2);
    const begun = JSON.parse(String(await store.read(audit[0] ?? ''))) as Record<string, unknown>;
    assert.deepEqual([begun['command'], begun['stage'], begun['account'], begun['letters']], ['replay', 'local', '000000000000', 3]);

    const second = await run('--endpoint', kinesis.endpoint, '--yes', '--json');
    assert.equal(second.code, 0);
    const { sent, letters, replayedBefore } = result(second.out);
    assert.deepEqual({ sent, letters, replayedBefore }, { sent: 0, letters: 0, replayedBefore: 3 });
    assert.equal((await onStream()).length, earlier + 3);

    const again = await run('--endpoint', kinesis.endpoint, '--yes', '--again', '--json');
    assert.equal(result(again.out)['sent'], 3);
    assert.equal((await onStream()).length, earlier + 6);
  });

  it('takes only what was asked for', async () => {
    const letters = async (...argv: string[]) => result((await run('--json', ...argv)).out)['letters'];
    assert.equal(await letters('--reason', 'not-json'), 2);
    assert.equal(await letters('--since', '1970-01-01T00:00:02Z'), 2);
    assert.equal(await letters('--since', '1970-01-01T00:00:02Z', '--reason', 'not-utf8'), 0);
    assert.equal(await letters('--stream', 'booking-events'), 0);
    assert.equal(await letters('--stream', streamName), 3);
  });

  it('tells a dead letter that it cannot read, and ends with 1', async () => {
    await store.create(`deadletter/event-router/${streamName}/shardId-000000000000/9-0.json`, Buffer.from('{}'));
    const { code, notes, out } = await run('--json', '--endpoint', kinesis.endpoint, '--yes');
    assert.equal(code, 1);
    assert.match(notes.join('\n'), /unreadable: .*9-0\.json/);
    assert.deepEqual([result(out)['sent'], result(out)['unreadable'], result(out)['ok']], [3, 1, false]);
  });

  it('refuses to send without a target, and to reach another host as a local stream', async () => {
    await assert.rejects(run('--yes'), UsageError);
    await assert.rejects(run('--stage', 'dev', '--endpoint', kinesis.endpoint), UsageError);
    await assert.rejects(async () => run('--endpoint', 'http://example.com'), UsageError);
    await assert.rejects(async () => run('--since', 'yesterday'), UsageError);
    await assert.rejects(run('--stage', 'dev', '--yes'), /AWS_REGION is not set/);
  });
});
