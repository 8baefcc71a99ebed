import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isGroupAlive } from '../../../../services/lib/process/process-group.ts';
import { becomesTrue } from '../../../support/processes.ts';

const fixture = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface LogLine {
  readonly event?: string;
  readonly port?: number;
  readonly pid?: number;
  readonly msg?: string;
}

/** Answers what a launcher asks of Kinesis and DynamoDB before it starts its daemon, for a stream of one shard. */
const answers: Record<string, object> = {
  DescribeStreamSummary: { StreamDescriptionSummary: { StreamName: 's', StreamStatus: 'ACTIVE', StreamCreationTimestamp: 1_700_000_000 } },
  ListShards: {
    Shards: [
      {
        ShardId: 'shardId-0',
        HashKeyRange: { StartingHashKey: '0', EndingHashKey: '9' },
        SequenceNumberRange: { StartingSequenceNumber: '1' },
      },
    ],
  },
  CreateTable: {},
  DescribeTable: { Table: { TableStatus: 'ACTIVE' } },
  Scan: { Items: [] },
  PutItem: {},
};

/** A whole launcher process with a stand-in for Java. */
describe('a launcher process', function () {
  this.timeout(30_000); // whole processes, on a machine that may be busy
  let folder: string;
  let aws: Server;
  let launcher: ChildProcessByStdio<null, Readable, Readable>;
  let lines: string[];
  let wake: () => void;

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'p-'));
    for (const name of ['bin', 'jars']) mkdirSync(path.join(folder, name));
    writeFileSync(path.join(folder, 'bin', 'java'), `#!/bin/sh\nexec node ${fixture('fake-jvm.mjs')}\n`, { mode: 0o755 });
    for (const jar of ['multilang-2.7.2', '2.7.2']) writeFileSync(path.join(folder, 'jars', `amazon-kinesis-client-${jar}.jar`), '');
    aws = createServer((request, response) => {
      request.resume().on('end', () => {
        const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answers[operation]));
      });
    }).listen(0, '127.0.0.1');
    await once(aws, 'listening');
  });
  after(() => {
    aws.close();
    rmSync(folder, { recursive: true });
  });
  afterEach(() => void launcher.kill('SIGKILL'));

  function start(env: Record<string, string> = {}): void {
    const endpoint = `http://127.0.0.1:${(aws.address() as AddressInfo).port}`;
    lines = [];
    wake = () => {};
    launcher = spawn(process.execPath, ['--import', 'tsx', fixture('child-main.ts')], {
      cwd: path.dirname(fixture('x')),
      env: {
        ...(process.env['NODE_V8_COVERAGE'] ? { NODE_V8_COVERAGE: process.env['NODE_V8_COVERAGE'] } : {}),
        PATH: process.env['PATH'],
        JAVA_HOME: folder,
        TMPDIR: folder, // a killed launcher leaves its run folder
        KCL_JARS: path.join(folder, 'jars'),
        AWS_REGION: 'us-east-1',
        LOCAL_MODE: 'true',
        KINESIS_ENDPOINT: endpoint,
        DYNAMODB_ENDPOINT: endpoint,
        SNS_ENDPOINT: endpoint,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [launcher.stdout, launcher.stderr]) {
      createInterface({ input: output }).on('line', (line) => {
        lines.push(line);
        wake();
      });
    }
    launcher.once('exit', () => wake());
  }
  const log = (): LogLine[] => lines.map((line) => JSON.parse(line) as LogLine);
  const logged = async (event: string): Promise<LogLine> => {
    for (;;) {
      const line = log().find((entry) => entry.event === event);
      if (line !== undefined) return line;
      assert.equal(launcher.exitCode, null, lines.join('\n'));
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const childLines = async (count: number): Promise<void> => {
    while (lines.filter((line) => line.startsWith('{"child":')).length < count) await new Promise<void>((resolve) => (wake = resolve));
  };
  const exitCode = async (): Promise<number | null> => {
    if (launcher.exitCode === null) await once(launcher, 'exit');
    return launcher.exitCode;
  };

  it('prepares, serves health and figures, writes one JSON object a line, and ends with 0', async () => {
    start();
    await childLines(2);
    const { port } = await logged('health.listening');
    const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as { healthy: boolean; children: object[] };
    assert.equal(health.healthy, true);
    assert.equal(health.children.length, 2);
    const figures = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    await becomesTrue(async () => /^seen 2$/m.test(await figures())); // a child's figures come after its lines
    assert.match((await logged('daemon.line')).msg ?? '', /^daemon \d+ with \d+ \d+$/);
    launcher.kill('SIGTERM');
    assert.equal(await exitCode(), 0);
    assert.equal(log().at(-1)?.event, 'launcher.stopped');
  });

  it('is forced by a second signal, and then ends with 1', async () => {
    start({ BEHAVIOUR: 'deaf', LOG_LEVEL: 'debug' });
    await childLines(2);
    launcher.kill('SIGINT');
    await logged('daemon.stopping');
    const again = setInterval(() => launcher.kill('SIGINT'), 200); // within a second it is the same signal
    assert.equal(await exitCode(), 1);
    clearInterval(again);
    assert.ok(log().some(({ event }) => event === 'launcher.forced'));
  });

  it('stops in order on an error that nobody handles, and ends with 1', async () => {
    start({ BACKGROUND: 'rejects' });
    const { pid } = await logged('daemon.started');
    assert.equal(await exitCode(), 1);
    assert.equal(isGroupAlive(pid ?? 0), false);
    assert.deepEqual(
      log().flatMap(({ event }) => (event === 'launcher.defect' || event === 'launcher.failed' ? [event] : [])),
      ['launcher.defect', 'launcher.failed'],
    );
  });

  it('takes its daemon and the children with it when it is killed', async () => {
    start();
    await childLines(2);
    const { pid } = await logged('daemon.started');
    launcher.kill('SIGKILL');
    await becomesTrue(() => !isGroupAlive(pid ?? 0));
  });

  it('ends with 1 and the reason when its stream does not exist', async () => {
    const gone = createServer((request, response) => {
      request.resume().on('end', () => response.writeHead(400).end('{"__type":"ResourceNotFoundException"}'));
    }).listen(0, '127.0.0.1');
    await once(gone, 'listening');
    start({ KINESIS_ENDPOINT: `http://127.0.0.1:${(gone.address() as AddressInfo).port}` });
    assert.equal(await exitCode(), 1);
    gone.close();
    assert.match((await logged('launcher.failed')).msg ?? '', /there is no stream s/);
    assert.ok(!log().some(({ event }) => event === 'daemon.started'));
  });
});
