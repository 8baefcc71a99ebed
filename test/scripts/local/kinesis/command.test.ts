import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { clientOf, Rig } from './rig.ts';

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

  it('explains itself', async () => {
    const { output, exited } = run('--help');
    assert.deepEqual(await exited, [0, null]);
    assert.match(output.stdout, /Examples:\n {2}npm run kinesis\n[^]*--port N[^]*--limits on\|off[^]*--max-bytes N/);
  });
});
