import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateStreamCommand, DescribeStreamSummaryCommand, ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { startKinesisProcess } from '../../../../scripts/local/kinesis/kinesis.ts';
import { awsError, clientOf, Rig } from './rig.ts';
import { SideClient } from './side/client.ts';

const script = fileURLToPath(new URL('../../../../scripts/kinesis.ts', import.meta.url));

describe('npm run kinesis', function () {
  this.timeout(30_000);

  const running = new Set<ChildProcess>();
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  interface Run {
    readonly child: ChildProcess;
    readonly output: { stdout: string; stderr: string };
    readonly exited: Promise<unknown[]>;
  }

  function run(...args: string[]): Run {
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      output.stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      output.stderr += String(chunk);
    });
    running.add(child);
    child.on('close', () => running.delete(child));
    return { child, output, exited: once(child, 'close') };
  }

  it('prints one JSON line when it answers, serves, and ends at Ctrl-C with 130, at SIGTERM with 0', async () => {
    for (const [args, signal, code] of [
      ['-- --port 0 --limits off', 'SIGINT', 130],
      ['--port 0 --max-bytes 2000000', 'SIGTERM', 0],
    ] as const) {
      const { child, output, exited } = run(...args.split(' '));
      await once(child.stdout as NodeJS.EventEmitter, 'data');
      const { type, endpoint } = JSON.parse(output.stdout) as { type: string; endpoint: string };
      assert.equal(type, 'ready');
      const client = clientOf(endpoint, 'http2');
      assert.deepEqual((await client.send(new ListStreamsCommand({}))).StreamNames, []);
      child.kill(signal);
      assert.deepEqual(await exited, [code, null]);
      assert.equal(output.stdout.trim().split('\n').length, 1);
      client.destroy();
    }
  });

  it('says what is wrong: a taken port with 1, wrong use with 2', async () => {
    const rig = await Rig.start();
    try {
      const { port } = new URL(rig.server.endpoint);
      const runs = [
        [run('--port', port), 1, new RegExp(`^port ${port} is taken: .*--port`)],
        [run('--prot', '1'), 2, /unknown flag --prot; did you mean --port\?/],
        [run('--limits', 'perhaps'), 2, /expected one of on, off/],
        [run('--max-bytes', '1'), 2, /expected a whole number from/],
      ] as const;
      for (const [{ output, exited }, code, message] of runs) {
        assert.deepEqual(await exited, [code, null]);
        assert.match(output.stderr, message);
        assert.equal(output.stdout, '');
      }
    } finally {
      await rig.stop();
    }
  });

  it('passes on what a server in a process of its own is told', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kinesis-'));
    const faultsFile = join(dir, 'faults.json');
    await writeFile(faultsFile, JSON.stringify({ kind: 'error', id: 'planned', operations: ['ListStreams'], times: 1 }));
    const { endpoint, process: server } = await startKinesisProcess({
      env: { PATH: process.env['PATH'] ?? '' },
      logFile: join(dir, 'kinesis.log'),
      faultsFile,
      seed: 7,
      metricsPeriodMs: 1_000,
      statusDelayMs: 60_000,
      limits: false,
    });
    const client = clientOf(endpoint, 'http2');
    try {
      const side = new SideClient(endpoint);
      await assert.rejects(client.send(new ListStreamsCommand({})), awsError('InternalFailure'));
      const { seed, faults } = (await side.call('GET', 'faults')).body as { seed: number; faults: { id: string; applied: number }[] };
      assert.deepEqual([seed, faults.map(({ id, applied }) => [id, applied])], [7, [['planned', 1]]]);
      assert.deepEqual((await side.call('GET', 'limits')).body, { limits: false });
      assert.equal((await side.call('GET', 'metrics')).body['periodMs'], 1_000);
      await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
      const summary = new DescribeStreamSummaryCommand({ StreamName: 's' });
      assert.equal((await client.send(summary)).StreamDescriptionSummary?.StreamStatus, 'CREATING');
      await side.call('POST', 'clock', { advanceMs: 60_000 });
      assert.equal((await client.send(summary)).StreamDescriptionSummary?.StreamStatus, 'ACTIVE');
    } finally {
      client.destroy();
      await server.stop('SIGTERM', 5_000);
      await rm(dir, { recursive: true });
    }
  });

  it('refuses a file of faults that is not right, with all that is wrong', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'kinesis-'));
    const file = join(dir, 'faults.json');
    const twice = join(dir, 'twice.json');
    await writeFile(file, '[{"kind":"throttle","times":0},{"kind":"explode"}]');
    await writeFile(twice, '[{"kind":"throttle","id":"a"},{"kind":"reset","id":"a"}]');
    const runs = [
      run('--faults', file),
      run('--faults', join(dir, 'none.json')),
      run('--metrics-period', '1ms'),
      run('--faults', twice),
    ] as const;
    const exits = await Promise.all(runs.map(({ exited }) => exited));
    await rm(dir, { recursive: true });
    assert.deepEqual(exits, [
      [2, null],
      [2, null],
      [2, null],
      [2, null],
    ]);
    assert.match(
      runs[0].output.stderr,
      /not right:\n\[0\]\.times: 0, expected at least 1\n\[1\]\.kind: "explode", expected one of throttle,/,
    );
    assert.match(runs[1].output.stderr, /cannot be read as JSON: ENOENT/);
    assert.match(runs[2].output.stderr, /expected a duration from 1000 to 3600000 ms/);
    assert.match(runs[3].output.stderr, /not right:\n\[1\]\.id: "a", expected an id that no other fault has/);
  });

  it('explains itself', async () => {
    const { output, exited } = run('--help');
    assert.deepEqual(await exited, [0, null]);
    assert.match(
      output.stdout,
      /Examples:\n {2}npm run kinesis\n[^]*--port N[^]*--limits on\|off[^]*--max-bytes N[^]*--faults FILE[^]*--seed N/,
    );
  });
});
