import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { ChildLink } from '../../../../services/lib/kcl/child-link.ts';
import { ChildLinkServer, type LinkedChild } from '../../../../services/lib/kcl/child-link-server.ts';
import type { MetricsSnapshot } from '../../../../services/lib/process/metrics.ts';

describe('the link between a child and its launcher', () => {
  let folder: string;
  let socketPath: string;
  let server: ChildLinkServer;
  let lines: string[];
  let snapshots: MetricsSnapshot[];
  let left: LinkedChild[];
  let wake: () => void;
  const waitFor = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };

  beforeEach(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'k-'));
    socketPath = path.join(folder, 'link');
    [lines, snapshots, left] = [[], [], []];
    wake = () => {};
    server = await ChildLinkServer.listen(socketPath, {
      onLog: (line) => void lines.push(line),
      onMetrics: (_, snapshot) => void snapshots.push(snapshot),
      onJoined: () => wake(),
      onLeft: (child) => {
        left.push(child);
        wake();
      },
    });
    server.generation = 1;
  });
  afterEach(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });
  const connect = (onLost = (): void => {}) => ChildLink.connect(socketPath, { pid: 77, generation: 1 }, onLost);

  it('delivers everything that was sent before done, in order, then the reason', async () => {
    const link = await connect();
    link.shard('shard-1');
    for (let i = 0; i < 5_000; i++) link.log(`{"n":${i},"text":"Zürich \u2028 ${'x'.repeat(i % 400)}"}\n`);
    link.metrics({ counters: [{ name: 'a', labels: {}, value: 1 }], gauges: [], timings: [] });
    await link.done('shardEnded');
    await waitFor(() => left.length === 1);
    assert.equal(lines.length, 5_000);
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { n: number }).n),
      lines.map((_, i) => i),
    );
    assert.equal(snapshots[0]?.counters[0]?.value, 1);
    assert.deepEqual([left[0]?.pid, left[0]?.shardId, left[0]?.done], [77, 'shard-1', 'shardEnded']);
  });

  it('that closes without done looks like the crash it is', async () => {
    const link = await connect();
    await link.flush();
    await waitFor(() => left.length === 1);
    assert.equal(left[0]?.done, undefined);
  });

  it('tells the child when the launcher is gone, but not when it closes itself', async () => {
    let lost = 0;
    const leaving = await connect(() => (lost += 1));
    await leaving.done('leaseLost');
    await waitFor(() => left.length === 1);
    assert.equal(lost, 0);
    const gone = new Promise<void>((resolve) => void connect(resolve));
    await waitFor(() => server.children.length === 1);
    await server.close();
    await gone;
    server = await ChildLinkServer.listen(socketPath, { onLog() {}, onMetrics() {}, onJoined() {}, onLeft() {} });
  });

  it('drops and counts a line no log driver would take', async () => {
    const link = await connect();
    link.log(`{"text":"${'x'.repeat(300_000)}"}`);
    link.log('{"n":1}');
    assert.equal(link.takeDroppedLines(), 1);
    assert.equal(link.takeDroppedLines(), 0);
    await link.done('leaseLost');
    await waitFor(() => left.length === 1);
    assert.deepEqual(lines, ['{"n":1}']);
  });

  for (const [who, bytes] of [
    ['says nothing sensible', 'GET / HTTP/1.1\r\n\r\n'],
    ['logs before it said hello', 'L{}\n'],
    ['is the child of another daemon', 'H{"pid":1,"generation":9}\n'],
    ['sends a frame without an end', `H{"pid":1,"generation":1}\nL${'x'.repeat(5 * 1024 * 1024)}`],
  ] as const) {
    it(`turns away who ${who}`, async () => {
      const stranger = createConnection(socketPath);
      stranger.on('error', () => {});
      stranger.write(bytes);
      stranger.resume();
      await new Promise<void>((resolve) => stranger.once('close', () => resolve()));
      assert.deepEqual(lines, []);
    });
  }

  it('needs a path that a unix socket can have', async () => {
    await assert.rejects(
      ChildLinkServer.listen(path.join(folder, 'x'.repeat(200)), { onLog() {}, onMetrics() {}, onJoined() {}, onLeft() {} }),
      { code: 'CONFIG_INVALID', message: /TMPDIR/ },
    );
  });

  it('cannot be made to nobody', async () => {
    await assert.rejects(
      ChildLink.connect(path.join(folder, 'nobody'), { pid: 1, generation: 1 }, () => {}),
      { code: 'DAEMON_FAILED' },
    );
  });
});
