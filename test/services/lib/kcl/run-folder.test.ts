import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { linkPathOf, makeRunFolder } from '../../../../services/lib/kcl/run-folder.ts';

describe("a launcher's run folder", () => {
  let parent: string;
  beforeEach(() => (parent = mkdtempSync(path.join(os.tmpdir(), 'r-'))));
  afterEach(() => rmSync(parent, { recursive: true }));

  const folder = (name: string): string => {
    const made = path.join(parent, name);
    mkdirSync(made);
    return made;
  };
  const age = (aged: string): void => {
    const anHourAgo = Date.now() / 1_000 - 3_600;
    utimesSync(aged, anHourAgo, anHourAgo);
  };
  /** As kill -9 leaves it: the socket is still there, and nobody listens. */
  const listenAndDie = (link: string): void => {
    const program = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    assert.equal(spawnSync(process.execPath, ['-e', program, link]).signal, 'SIGKILL');
  };

  it('is for this user alone', async () => {
    const made = await makeRunFolder(parent);
    assert.equal(path.dirname(made), parent);
    assert.equal(statSync(made).mode & 0o777, 0o700);
  });

  it('takes the place of those that killed launchers have left', async () => {
    const killed = folder('kcl-launcher-killed');
    listenAndDie(linkPathOf(killed));
    const killedEarly = folder('kcl-launcher-early');
    for (const each of [killed, killedEarly]) age(each);
    const made = await makeRunFolder(parent);
    assert.deepEqual(readdirSync(parent), [path.basename(made)]);
  });

  it('leaves alone those of launchers that live, those just made, and what belongs to others', async () => {
    const living = folder('kcl-launcher-living');
    const server = createServer().listen(linkPathOf(living));
    await once(server, 'listening');
    const foreign = folder('kcl-something');
    for (const each of [living, foreign]) age(each);
    const starting = folder('kcl-launcher-starting');
    try {
      await makeRunFolder(parent);
      assert.deepEqual(
        [living, foreign, starting].map((each) => readdirSync(parent).includes(path.basename(each))),
        [true, true, true],
      );
    } finally {
      server.close();
    }
  });
});
