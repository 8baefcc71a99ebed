import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunFolder, diskFullRemedy, sweepDeadRuns } from '../../../scripts/demo/run-folder.ts';

let place: string;

describe('the folder of a run', () => {
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'run-folder-'));
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  it('is made fresh and removed whole', () => {
    const folder = createRunFolder(undefined, 0);
    writeFileSync(join(folder.path, 'file'), 'x');
    folder.remove();
    folder.remove();
    assert.deepEqual([folder.path, folder.temporary].map(existsSync), [false, false]);
  });

  it('stays when it was asked for, or when it is to be looked into; what is temporary goes', () => {
    const asked = createRunFolder(join(place, 'new', 'folder'), 0);
    const failed = createRunFolder(undefined, 0);
    failed.keep();
    for (const folder of [asked, failed]) {
      folder.remove();
      assert.deepEqual([folder.path, folder.temporary].map(existsSync), [true, false]);
    }
    rmSync(failed.path, { recursive: true });
  });

  it('of a run that was killed goes at the next start; of one that lives, or was kept, it stays', () => {
    const { pid: deadPid } = spawnSync('true');
    const folders = { killed: String(deadPid), alive: String(process.pid), kept: undefined };
    for (const [name, owner] of Object.entries(folders)) {
      mkdirSync(join(place, `travelbuddy-${name}`));
      if (owner !== undefined) writeFileSync(join(place, `travelbuddy-${name}`, 'owner'), owner);
    }
    sweepDeadRuns(place);
    assert.deepEqual(readdirSync(place).sort(), ['travelbuddy-alive', 'travelbuddy-kept']);
  });

  it('must be new or empty', () => {
    mkdirSync(join(place, 'something'));
    assert.throws(() => createRunFolder(place, 0), /is not empty: a run starts in a fresh folder/);
  });

  it('must have room for the run', () => {
    assert.throws(() => createRunFolder(place, 2 ** 60), /MB left and this run needs about .* MB: free some disk space, or give --keep/);
  });

  it('is not called full when it is not', () => {
    assert.equal(diskFullRemedy(place), undefined);
  });
});
