import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { isGroupAlive, startProcessGroup } from '../../../../services/lib/process/process-group.ts';

const start = (script: string, onLine: (line: string) => void = () => {}) =>
  startProcessGroup({ command: '/bin/sh', args: ['-c', script], cwd: '/', env: { PATH: process.env['PATH'] ?? '' }, onLine });

const collector = () => {
  const lines: string[] = [];
  let wake = (): void => {};
  return {
    lines,
    onLine: (line: string): void => {
      lines.push(line);
      wake();
    },
    until: async (count: number): Promise<void> => {
      while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
    },
  };
};

describe('a process group', () => {
  it('gives the lines of both outputs and the end of its first process', async () => {
    const { lines, onLine, until } = collector();
    const group = await start('echo out; echo err >&2; exit 7', onLine);
    assert.deepEqual(await group.exited, { code: 7, signal: null });
    await until(2);
    assert.deepEqual(lines.sort(), ['err', 'out']);
    await group.end();
  });

  it('signals the first process alone', async () => {
    const { lines, onLine, until } = collector();
    const group = await start(
      "trap 'echo asked; exit 0' TERM; (trap 'echo also' TERM; while :; do echo beat; sleep 0.05; done) & while :; do sleep 0.05; done",
      onLine,
    );
    await until(1);
    group.signal('SIGTERM');
    assert.equal((await group.exited).code, 0);
    await until(lines.length + 3); // the other beats on: it would have told by now
    assert.ok(lines.includes('asked'));
    assert.ok(!lines.includes('also'));
    await group.end();
  });

  it('ends orphans too, those that ignore SIGTERM included', async () => {
    const { onLine, until } = collector();
    const group = await start("(trap '' TERM INT HUP; echo ready; while :; do sleep 0.05; done) & exit 0", onLine);
    await group.exited;
    await until(1);
    assert.equal(isGroupAlive(group.pid), true);
    await group.end();
    assert.equal(isGroupAlive(group.pid), false);
    await group.end(); // once more is nothing
  });

  it('does not outlive the process that started it, not even after kill -9', async () => {
    const module = new URL('../../../../services/lib/process/process-group.ts', import.meta.url).href;
    const script = `const { startProcessGroup } = await import(${JSON.stringify(module)});
      const group = await startProcessGroup({ command: 'sleep', args: ['60'], cwd: '/', env: { PATH: process.env.PATH }, onLine() {} });
      console.log(group.pid);`;
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    assert.equal(isGroupAlive(Number(line)), true);
    parent.kill('SIGKILL');
    while (isGroupAlive(Number(line))) await delay(10);
  });

  it('whose command is missing ends by itself', async () => {
    const group = await startProcessGroup({ command: '/nowhere/java', args: [], cwd: '/', env: {}, onLine: () => {} });
    assert.equal((await group.exited).code, 127);
    await group.end();
  });

  it('cannot be started in a folder that is not there', async () => {
    await assert.rejects(startProcessGroup({ command: 'true', args: [], cwd: '/nowhere', env: {}, onLine: () => {} }), {
      code: 'DAEMON_FAILED',
    });
  });
});
