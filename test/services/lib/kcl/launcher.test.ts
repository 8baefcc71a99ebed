import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ChildLinkServer } from '../../../../services/lib/kcl/child-link-server.ts';
import { Launcher, type Prepared } from '../../../../services/lib/kcl/launcher.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { isGroupAlive, type ProcessGroup, startProcessGroup } from '../../../../services/lib/process/process-group.ts';

const fakeJvm = fileURLToPath(new URL('fake-jvm.mjs', import.meta.url));

type Behaviour = 'good' | 'daemon-dies' | 'child-dies' | 'child-dies-stopping' | 'input-closes' | 'deaf' | 'childless';

class Rig {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'l-'));
  readonly daemons: ProcessGroup[] = [];
  readonly logged: { event: string; cause?: string }[] = [];
  readonly childLines: string[] = [];
  readonly metrics = new Metrics();
  readonly steps: string[] = [];
  launcher!: Launcher;
  #link!: ChildLinkServer;
  #wake = (): void => {};

  async start(
    behaviour: Behaviour,
    options: { stopDeadlineMs?: number; stopBackground?: () => Promise<void>; prepare?: (signal: AbortSignal) => Promise<never> } = {},
  ) {
    const linkPath = path.join(this.folder, 'link');
    const log = createLogger('test', 'info', (line) => {
      this.logged.push(JSON.parse(line) as { event: string });
      this.#wake();
    });
    this.#link = await ChildLinkServer.listen(linkPath, {
      onLog: (line) => void this.childLines.push(line),
      onMetrics: () => this.#wake(),
      onJoined: () => this.#wake(),
      onLeft: (child) => {
        this.launcher.childLeft(child);
        this.#wake();
      },
    });
    this.launcher = new Launcher({ log, metrics: this.metrics, link: this.#link, stopDeadlineMs: options.stopDeadlineMs ?? 10_000 });
    this.#wake();
    return this.launcher.run(
      options.prepare ??
        (async (): Promise<Prepared> => ({
          startDaemon: async (generation) => {
            for (const earlier of this.daemons) assert.equal(isGroupAlive(earlier.pid), false, 'two daemons must never live at once');
            const daemon = await startProcessGroup({
              command: process.execPath,
              args: [fakeJvm],
              cwd: this.folder,
              env: { BEHAVIOUR: behaviour, KCL_LINK_PATH: linkPath, KCL_LINK_GENERATION: String(generation) },
              onLine: () => {},
            });
            this.daemons.push(daemon);
            return daemon;
          },
          startBackground: () => {
            this.steps.push('background started');
            return {
              stop: async () => {
                this.steps.push(`background stopped, daemon ${isGroupAlive(this.daemons.at(-1)?.pid ?? 0) ? 'alive' : 'gone'}`);
                await options.stopBackground?.();
              },
            };
          },
        })),
    );
  }

  async waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  children = () => this.#link.children.filter((child) => child.shardId !== undefined);
  running = (generation: number) => () => this.daemons.length === generation && this.children().length === 2;

  async close(): Promise<void> {
    for (const daemon of this.daemons) await daemon.end();
    await this.#link.close();
    rmSync(this.folder, { recursive: true });
  }
}

describe('the launcher', function () {
  this.timeout(30_000); // whole processes, on a machine that may be busy
  let rig: Rig;
  beforeEach(() => (rig = new Rig()));
  afterEach(() => rig.close());

  it('stops in order: children, daemon without its idle wait, then the background work', async () => {
    const run = rig.start('good');
    await rig.waitFor(rig.running(1));
    assert.equal(rig.launcher.state, 'RUNNING');
    assert.equal(rig.launcher.health().healthy, true);
    rig.launcher.stop();
    assert.equal(await run, 'clean'); // this daemon idles for ever: it was ended as soon as its children were done
    assert.equal(rig.launcher.state, 'STOPPED');
    assert.deepEqual(rig.steps, ['background started', 'background stopped, daemon gone']);
    assert.deepEqual(rig.childLines.sort(), ['{"child":0}', '{"child":1}']);
  });

  it('restarts a daemon that died, after the children it left behind are gone', async () => {
    const run = rig.start('daemon-dies');
    await rig.waitFor(rig.running(2));
    const restart = rig.logged.find(({ event }) => event === 'daemon.restarting');
    assert.match(restart?.cause ?? '', /daemon ended with code 1/);
    assert.equal(rig.metrics.drain().counters.find(({ name }) => name === 'daemon_restarts')?.value, 1);
    rig.launcher.stop();
    assert.equal(await run, 'clean');
  });

  it('ends a stopped child of a dead daemon too before it starts the next one', async () => {
    const run = rig.start('good');
    await rig.waitFor(rig.running(1));
    const { pid } = rig.children()[0]!;
    process.kill(pid, 'SIGSTOP'); // its lease may be taken, and it would go on one day
    process.kill(rig.daemons[0]!.pid, 'SIGKILL');
    await rig.waitFor(rig.running(2));
    assert.ok(!rig.children().some((child) => child.pid === pid));
    assert.equal(isGroupAlive(rig.daemons[0]!.pid), false);
    assert.equal(rig.metrics.drain().counters.find(({ name }) => name === 'daemon_restarts')?.value, 1, 'nothing had to be tried twice');
    rig.launcher.stop();
    assert.equal(await run, 'clean');
  });

  it('notices a child killed while idle, which the daemon does not, and starts everything again', async () => {
    const run = rig.start('child-dies');
    await rig.waitFor(rig.running(1));
    await rig.waitFor(() => rig.launcher.state === 'RESTARTING');
    assert.equal(rig.launcher.health().healthy, false);
    await rig.waitFor(rig.running(2));
    assert.match(rig.logged.find(({ event }) => event === 'daemon.restarting')?.cause ?? '', /child \d+ of shard-1 ended without a word/);
    rig.launcher.stop();
    assert.equal(await run, 'clean');
  });

  it('starts everything again when the daemon closed a child without having said why', async () => {
    const run = rig.start('input-closes');
    await rig.waitFor(rig.running(2));
    assert.match(rig.logged.find(({ event }) => event === 'daemon.restarting')?.cause ?? '', /of shard-1 ended without a word/);
    rig.launcher.stop();
    assert.equal(await run, 'clean');
  });

  it('kills a daemon that does not stop by the deadline, and says the stop was not clean', async () => {
    const run = rig.start('deaf', { stopDeadlineMs: 500 });
    await rig.waitFor(rig.running(1));
    rig.launcher.stop();
    assert.equal(await run, 'forced');
    assert.equal(isGroupAlive(rig.daemons[0]?.pid ?? 0), false);
  });

  it('ends everything at once when forced', async () => {
    const run = rig.start('deaf', { stopDeadlineMs: 60_000, stopBackground: () => new Promise(() => {}) });
    await rig.waitFor(rig.running(1));
    rig.launcher.stop();
    await rig.waitFor(() => rig.logged.some(({ event }) => event === 'daemon.stopping'));
    assert.equal(rig.launcher.state, 'STOPPING');
    rig.launcher.force();
    assert.equal(await run, 'forced');
  });

  it('does not call a stop clean in which a child died', async () => {
    const run = rig.start('child-dies-stopping');
    await rig.waitFor(rig.running(1));
    rig.launcher.stop();
    assert.equal(await run, 'forced');
  });

  it('stops at once while it has no child, or waits to restart', async () => {
    const run = rig.start('childless');
    await rig.waitFor(() => rig.logged.some(({ event }) => event === 'daemon.started'));
    rig.launcher.stop();
    assert.equal(await run, 'clean');
  });

  it('stops during the pause before a restart', async () => {
    const run = rig.start('child-dies');
    await rig.waitFor(() => rig.logged.some(({ event }) => event === 'daemon.restarting'));
    rig.launcher.stop();
    assert.equal(await run, 'clean');
    assert.equal(rig.daemons.length, 1);
  });

  it('fails, and starts nothing, when the preparation fails; a stop meanwhile is clean', async () => {
    const stopped = await rig.start('childless', { prepare: () => Promise.reject(new Error('no stream')) }).then(
      () => 'ran',
      (error: Error) => error.message,
    );
    assert.equal(stopped, 'no stream');
    assert.equal(rig.launcher.state, 'FAILED');
    assert.deepEqual([rig.daemons.length, rig.steps.length], [0, 0]);
  });

  it('stops cleanly while it still waits for its stream', async () => {
    const run = rig.start('childless', {
      prepare: () => new Promise(() => {}), // no answer, and no way to call it off
    });
    await rig.waitFor(() => rig.launcher !== undefined);
    rig.launcher.stop();
    assert.equal(await run, 'clean');
    assert.equal(rig.daemons.length, 0);
  });
});
