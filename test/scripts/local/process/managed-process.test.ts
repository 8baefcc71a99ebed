import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ProcessOptions, StartFailure, startProcess } from '../../../../scripts/local/process/managed-process.ts';
import { becomesTrue, isAlive } from '../../../support/processes.ts';

const parentScript = fileURLToPath(new URL('parent.ts', import.meta.url));

describe('a managed process', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'managed-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const node = (program: string, more: Partial<ProcessOptions> = {}): ProcessOptions => ({
    name: 'part',
    command: process.execPath,
    args: ['-e', program],
    env: { MARK: 'given' },
    cwd: folder,
    logFile: join(folder, 'logs', 'part.log'),
    ready: { stdoutLine: /^ready (\S+)$/ },
    readyTimeoutMs: 8_000,
    ...more,
  });
  const forever = 'setInterval(() => {}, 1000);';

  it('is ready when it prints the line, has its own log file and only the environment it was given', async () => {
    const part = await startProcess(node(`console.log("hello"); console.log("ready " + Object.keys(process.env).sort()); ${forever}`));
    try {
      // A shell adds the first four by itself, Node the last.
      const inherited = (part.readyMatch?.[1] ?? '')
        .split(',')
        .filter((key) => !['PWD', 'OLDPWD', 'SHLVL', '_', 'NODE_V8_COVERAGE'].includes(key));
      assert.deepEqual(inherited, ['MARK']);
      assert.match(readFileSync(join(folder, 'logs', 'part.log'), 'utf8'), /^hello\nready /);
    } finally {
      await part.kill();
    }
  });

  it('is ready when it answers', async () => {
    let asked = 0;
    const part = await startProcess(node(forever, { ready: () => Promise.resolve(++asked === 3) }));
    assert.equal(asked, 3);
    assert.equal(part.readyMatch, undefined);
    await part.kill();
  });

  it('stops by SIGTERM and says how it ended', async () => {
    const part = await startProcess(node(`process.on("SIGTERM", () => process.exit(7)); console.log("ready x"); ${forever}`));
    assert.deepEqual(await part.stop(), { code: 7, signal: null });
    assert.deepEqual(await part.stop(), { code: 7, signal: null }, 'stopping what has ended is fine');
  });

  it('kills the whole group when SIGTERM is not enough', async () => {
    const child = `const c = require("node:child_process").spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); ${forever}"]);`;
    const part = await startProcess(node(`${child} process.on("SIGTERM", () => {}); console.log("ready " + c.pid); ${forever}`));
    const grandchild = Number(part.readyMatch?.[1]);
    assert.ok(isAlive(grandchild));
    assert.deepEqual(await part.stop('SIGTERM', 100), { code: null, signal: 'SIGKILL' });
    await becomesTrue(() => !isAlive(grandchild));
  });

  it('clears what a process that ended by itself left of its group', async () => {
    const child = `const c = require("node:child_process").spawn(process.execPath, ["-e", "${forever}"], { stdio: "ignore" }); c.unref();`;
    const part = await startProcess(node(`${child} console.log("ready " + c.pid); setTimeout(() => process.exit(0), 50);`));
    await part.exited;
    await becomesTrue(() => !isAlive(Number(part.readyMatch?.[1])));
  });

  it('reports a start that ends early with the end of its log', async () => {
    await assert.rejects(startProcess(node('console.error("no such option"); process.exit(3)')), (error: Error) => {
      assert.ok(error instanceof StartFailure);
      assert.match(error.message, /part ended before it was ready \(exit code 3\)/);
      assert.match(error.message, /no such option/);
      return true;
    });
  });

  it('reports a start that takes too long, and leaves nothing of it', async () => {
    const slow = { command: '/bin/sh', args: ['-c', 'echo $$; exec sleep 60'], logFile: join(folder, 'late.log'), readyTimeoutMs: 500 };
    await assert.rejects(startProcess(node('', slow)), /part was not ready after 500 ms/);
    const pid = Number(readFileSync(slow.logFile, 'utf8').split('\n')[0]);
    assert.ok(pid > 0);
    assert.ok(!isAlive(pid));
  });

  it('says so when the program is not installed', async () => {
    await assert.rejects(startProcess(node('', { command: 'no-such-program' })), /part: no-such-program was not found on PATH/);
  });

  it('leaves no process behind when its parent is killed with kill -9', async () => {
    const parent = spawn(process.execPath, ['--import', 'tsx', parentScript, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { leader, grandchild } = JSON.parse(line.toString()) as { leader: number; grandchild: number };
    assert.ok(isAlive(leader) && isAlive(grandchild));
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await becomesTrue(() => !isAlive(leader) && !isAlive(grandchild));
  });
});
