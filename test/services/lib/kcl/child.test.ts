import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateStreamCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { build } from 'esbuild';
import { type KinesisServer, startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { ChildLinkServer, type LinkedChild } from '../../../../services/lib/kcl/child-link-server.ts';
import { initialize, type Message } from './fake-daemon.ts';

interface LogLine {
  readonly msg: string;
  readonly event?: string;
  readonly level: string;
  readonly shard?: string;
  readonly err?: { readonly message: string; readonly code: string; readonly cause: { readonly message: string } };
}

describe('a child process', function () {
  this.timeout(30_000); // whole processes, on a machine that may be busy
  const folder = mkdtempSync(path.join(os.tmpdir(), 'c-'));
  const bundle = path.join(folder, 'main.mjs');
  let link: ChildLinkServer;
  let child: ChildProcessWithoutNullStreams;
  let left: LinkedChild | undefined;
  let wake: () => void;
  let logged: LogLine[];
  let stdout: string;
  let stderr: string;
  const counted = new Map<string, number>();

  let kinesis: KinesisServer;

  before(async () => {
    kinesis = await startKinesis({ limits: false });
    const client = new KinesisClient({
      region: 'us-east-1',
      endpoint: kinesis.endpoint,
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 4 }));
    client.destroy();
    await build({
      entryPoints: [fileURLToPath(new URL('child-main.ts', import.meta.url))],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);" },
    });
  });
  after(async () => {
    await kinesis.close();
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    wake = () => {};
    logged = [];
    [stdout, stderr, left] = ['', '', undefined];
    counted.clear();
    const socket = path.join(folder, 'link');
    link = await ChildLinkServer.listen(socket, {
      onLog: (line) => {
        logged.push(JSON.parse(line) as LogLine);
        wake();
      },
      onMetrics: (_, { counters }) => {
        for (const { name, value } of counters) counted.set(name, value);
      },
      onJoined: () => wake(),
      onLeft: (who) => {
        left = who;
        wake();
      },
    });
    link.generation = 3;
    child = spawn(process.execPath, [bundle, 'child'], {
      env: {
        AWS_REGION: 'us-east-1',
        NODE_NO_WARNINGS: '1',
        LOCAL_MODE: 'true',
        KINESIS_ENDPOINT: kinesis.endpoint,
        DYNAMODB_ENDPOINT: kinesis.endpoint,
        SNS_ENDPOINT: kinesis.endpoint,
        KCL_LINK_PATH: socket,
        KCL_LINK_GENERATION: '3',
        KCL_STREAM_ID: 's@1',
        KCL_CHILD_WORKER_ID: 'w',
        APPLICATION: 'other-name',
      },
    });
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      wake();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
  });
  afterEach(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await link.close();
  });

  const waitFor = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const send = (message: object): void => void child.stdin.write(`${JSON.stringify(message)}\n`);
  const order = (text: string) => ({
    action: 'processRecords',
    millisBehindLatest: 0,
    records: [{ data: Buffer.from(text).toString('base64'), partitionKey: 'k', sequenceNumber: '101', subSequenceNumber: 0 }],
  });
  const answers = (): Message[] =>
    stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Message);
  /** The daemon sends nothing before it has this answer. */
  const initialized = async (): Promise<void> => {
    send(initialize);
    await waitFor(() => answers().length === 1);
  };
  const exit = async (): Promise<number | null> => {
    if (child.exitCode === null) await once(child, 'exit');
    await waitFor(() => left !== undefined);
    return child.exitCode;
  };

  it('says who and where it is, and ends at once after the lease is lost, whatever it left running', async () => {
    send(initialize);
    // The log comes by another way than the answers.
    await waitFor(() => answers().length === 1 && logged.some(({ msg }) => msg === 'initialized'));
    const line = logged.find(({ msg }) => msg === 'initialized');
    assert.deepEqual(line, {
      ...line,
      service: 'obedient',
      shard: 'shardId-000000000003',
      streamId: 's@1',
      application: 'other-name',
      workerId: 'w',
      failoverTimeMs: 3_000,
      rangeStart: (3n << 126n).toString(), // the last of four
    });
    assert.equal(link.children[0]?.pid, child.pid);
    child.kill('SIGTERM'); // a terminal's Ctrl-C and a supervisor's stop reach the group: not the child's business
    child.kill('SIGINT');
    send({ action: 'leaseLost' });
    await waitFor(() => answers().length === 2);
    child.stdin.end();
    assert.equal(await exit(), 0);
    assert.equal(left?.done, 'leaseLost');
    assert.equal(left?.shardId, 'shardId-000000000003');
    assert.equal(stderr, '');
  });

  it('lets nothing but answers out: what code prints is logged', async () => {
    await initialized();
    send(order('print'));
    const guarded = (): string[] => logged.filter(({ event }) => event === 'output.guarded').map(({ msg }) => msg);
    await waitFor(() => answers().length === 2 && guarded().length >= 3);
    assert.deepEqual(answers(), [
      { action: 'status', responseFor: 'initialize' },
      { action: 'status', responseFor: 'processRecords' },
    ]);
    assert.deepEqual(guarded(), ['{"action":"status","responseFor":"processRecords"}', 'to stderr', 'raw']);
  });

  it('ends unanswered when the processor rejects, its last words and figures delivered', async () => {
    await initialized();
    send(order('reject'));
    assert.equal(await exit(), 1);
    assert.equal(answers().length, 1);
    assert.equal(left?.done, undefined);
    const line = logged.at(-1);
    assert.equal(line?.event, 'child.processRecords.failed');
    assert.equal(line?.err?.code, 'PUT_FAILED');
    assert.equal(line?.err?.cause.message, 'the cause');
    assert.equal(counted.get('orders'), 1);
  });

  for (const defect of ['throw-later', 'reject-later']) {
    it(`ends on an error that nobody handles (${defect})`, async () => {
      await initialized();
      send(order(defect));
      assert.equal(await exit(), 1);
      assert.equal(logged.at(-1)?.event, 'child.uncaught');
    });
  }

  it('ends when the daemon closes its input, even in the middle of a batch', async () => {
    await initialized();
    send(order('hang'));
    await waitFor(() => answers().length === 1);
    child.stdin.end();
    assert.equal(await exit(), 0);
    assert.equal(left?.done, 'stdinClosed');
  });

  it('ends when the launcher is gone', async () => {
    await waitFor(() => link.children.length === 1);
    await link.close();
    assert.equal(await exit(), 1);
    link = await ChildLinkServer.listen(path.join(folder, 'link'), { onLog() {}, onMetrics() {}, onJoined() {}, onLeft() {} });
  });

  it('of an earlier daemon is turned away', async () => {
    link.generation = 4;
    if (child.exitCode === null) await once(child, 'exit');
    assert.equal(child.exitCode, 1);
    assert.equal(link.children.length, 0);
  });

  it('ends when what the daemon writes is not JSON', async () => {
    send(initialize);
    child.stdin.write('{"action":\n');
    assert.equal(await exit(), 1);
    assert.equal(logged.at(-1)?.event, 'child.uncaught');
  });
});
