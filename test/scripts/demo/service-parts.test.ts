import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendantsOf, killAll } from '../../../scripts/demo/process-tree.ts';
import { partsOf } from '../../../scripts/demo/service-parts.ts';
import { requirePart } from '../../support/optional.ts';
import { becomesTrue } from '../../support/processes.ts';

describe('the parts of a consumer', () => {
  it('are told by their command lines: the JVM, a child for each shard, and not the shell beside the JVM', async function () {
    requirePart(this, 'linux');
    const folder = mkdtempSync(join(tmpdir(), 'parts-'));
    const java = join(folder, 'java');
    symlinkSync('/bin/sh', java);
    symlinkSync(process.execPath, join(folder, 'node'));
    writeFileSync(join(folder, 'main.js'), 'setInterval(() => {}, 1000)');
    writeFileSync(join(folder, 'daemon'), 'node main.js child & node main.js child & node main.js & wait');
    const launcher = spawn(
      '/bin/sh',
      ['-c', `(read _; :) & exec "$@"; wait`, 'sh', 'sh', '-c', `"$@" & wait`, 'sh', java, 'daemon', 'x.MultiLangDaemon'],
      {
        cwd: folder,
        env: { PATH: `${folder}:/usr/bin:/bin` },
        stdio: ['pipe', 'ignore', 'ignore'],
      },
    );
    const pid = launcher.pid ?? 0;
    try {
      await becomesTrue(() => partsOf(pid).children.length === 2 && partsOf(pid).jvm !== undefined);
      const { jvm = 0, children } = partsOf(pid);
      assert.equal(descendantsOf(jvm).length, 3);
      assert.ok(children.every((child) => descendantsOf(jvm).includes(child)));
      assert.deepEqual(partsOf(children[0] ?? 0), { jvm: undefined, children: [] });
    } finally {
      await killAll([pid, ...descendantsOf(pid)]);
      rmSync(folder, { recursive: true });
    }
  });
});
