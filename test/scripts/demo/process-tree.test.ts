import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { descendantsOf, killAll } from '../../../scripts/demo/process-tree.ts';
import { requirePart } from '../../support/optional.ts';
import { becomesTrue, isAlive } from '../../support/processes.ts';

describe('a process tree', () => {
  it('is found and ended whole, whatever sessions its processes have made', async function () {
    requirePart(this, 'linux');
    const top = spawn('/bin/sh', ['-c', 'setsid sh -c "sleep 60 & sleep 60" & sleep 60 & wait'], { stdio: 'ignore' });
    const pid = top.pid ?? 0;
    await becomesTrue(() => descendantsOf(pid).length === 4);
    const all = [pid, ...descendantsOf(pid)];
    await killAll(all);
    assert.deepEqual(all.filter(isAlive), []);
  });
});
