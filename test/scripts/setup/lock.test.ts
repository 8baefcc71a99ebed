import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from '../../../scripts/setup/lock.mjs';

describe('the lock of set-up', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    file = join(folder, 'set-up.lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const silent = (): void => {};

  it('lets one at a time in, tells the other whom it waits for, and leaves nothing', async () => {
    const happened: string[] = [];
    let leave = (): void => {};
    const first = withLock(file, silent, async () => {
      happened.push('first in');
      await new Promise<void>((resolve) => (leave = resolve));
      happened.push('first out');
    });
    const second = withLock(
      file,
      (line) => {
        assert.match(line, new RegExp(`process ${process.pid}`));
        leave();
      },
      async () => void happened.push('second in'),
    );
    await Promise.all([first, second]);
    assert.deepEqual(happened, ['first in', 'first out', 'second in']);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('takes over from an owner that is dead', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(file, String(dead));
    await withLock(file, silent, async () => assert.equal(readFileSync(file, 'utf8'), String(process.pid)));
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is given back when the work fails', async () => {
    await assert.rejects(
      withLock(file, silent, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.equal(existsSync(file), false);
  });
});
