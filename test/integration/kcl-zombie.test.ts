import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Application, waitFor } from './kcl/application.ts';
import type { Entry } from './kcl/evidence.ts';
import { distinct, replayFaultsOf } from './kcl/history.ts';
import { kclLines, requireKcl } from './kcl/lines.ts';
import type { Load } from './kcl/load.ts';
import type { Recorder } from './kcl/recorder-process.ts';
import { type Rig, startRig } from './kcl/rig.ts';

const shards = 4;
const recordsPerSecond = 100;
const failoverMs = 2_000;
/** 3.x: a leader that stopped holds its lock for 120 s, and nobody else assigns leases. */
const takeoverDeadlineMs = { 2: 30_000, 3: 200_000 } as const;

/** Scenes of one run, in this order: two tasks of one application under one steady load. */
for (const kclLine of kclLines([2])) {
  describe(`two tasks of which one stands still (KCL ${kclLine}.x)`, function () {
    this.timeout(60_000 + takeoverDeadlineMs[kclLine]);
    let rig: Rig;
    let application: Application;
    let still: Recorder;
    let other: Recorder;
    let load: Load;

    before(async function () {
      requireKcl(this, kclLine);
      rig = await startRig({ shards, kclLine });
      application = rig.application('recorder');
      const settings = { KCL_FAILOVER_MS: String(failoverMs) };
      load = rig.startLoad(recordsPerSecond);
      still = application.startRecorder({ ...settings, WORKER_ID: 'still' });
      other = application.startRecorder({ ...settings, WORKER_ID: 'other' });
      await waitFor(
        'both to have half of the shards',
        async () => (await heldBy(still)).length === 2 && (await heldBy(other)).length === 2,
      );
    });
    after(() => rig?.stop());

    const heldBy = async (recorder: Recorder): Promise<{ pid: number; shard: string }[]> =>
      ((await recorder.health())?.children ?? []).flatMap(({ pid, shard }) => (shard === null ? [] : [{ pid, shard }]));
    const entries = (wanted: Partial<Entry>, since: number): Entry[] =>
      application
        .entries()
        .filter((entry) => entry.at >= since && Object.entries(wanted).every(([key, value]) => entry[key as keyof Entry] === value));
    /** Resolves, with the time, when each of the shards has come to that worker since. */
    const takenBy = async (worker: string, taken: readonly string[], since: number): Promise<number> => {
      const starts = (): Entry[] => taken.flatMap((shard) => entries({ event: 'initialize', worker, shard }, since).slice(0, 1));
      await waitFor(`${worker} to take ${taken.join(', ')}`, () => starts().length === taken.length, takeoverDeadlineMs[kclLine]);
      return Math.max(...starts().map(({ at }) => at));
    };

    it('keep the shard where its child alone stands still: the JVM goes on renewing the lease', async function () {
      const [child] = await heldBy(still);
      const stopped = Date.now();
      process.kill(child!.pid, 'SIGSTOP');
      await delay(4 * failoverMs); // nothing happens: there is no condition to wait for
      const went = Date.now();
      process.kill(child!.pid, 'SIGCONT');
      await waitFor('the child to go on', () => entries({ event: 'record', pid: child!.pid }, went).length > 0);
      assert.deepEqual(entries({ event: 'initialize', shard: child!.shard }, stopped), []);
    });

    it('pass its shards on when its JVM stands still too; the zombie is told so, and its JVM lives on', async function () {
      const held = await heldBy(still);
      const zombie = held[0]!;
      const daemon = (await still.health())!.daemon.pid!;
      const neighbour = held[1]!;
      // What gathered while it stood still comes in one batch that is larger than a pipe: half of it would reach nobody.
      await application.reading([zombie.shard], Date.now());
      process.kill(zombie.pid, 'SIGSTOP');
      await delay(1_000); // until a batch waits for it in the pipe, which nobody outside can see
      const waited = Date.now();
      // On a busy machine the JVM may have read nothing in that time: what it delivers to the shard beside shows that it goes on.
      await waitFor(
        'the JVM to go on reading',
        () => entries({ event: 'record', pid: neighbour.pid }, waited).length > recordsPerSecond / shards,
      );
      const stopped = Date.now();
      process.kill(daemon, 'SIGSTOP');
      const taken = await takenBy(
        'other',
        held.map(({ shard }) => shard),
        stopped,
      );
      await waitFor(
        'records of the taken shard',
        () => entries({ event: 'record', worker: 'other', shard: zombie.shard }, taken).length > 0,
      );

      process.kill(zombie.pid, 'SIGCONT');
      await waitFor('the zombie to work', () => entries({ event: 'record', pid: zombie.pid }, taken).length > 0);
      const went = Date.now();
      process.kill(daemon, 'SIGCONT');
      await waitFor('the zombie to be told', () => entries({ event: 'leaseLost', pid: zombie.pid }, went).length === 1);
      const told = entries({ event: 'leaseLost', pid: zombie.pid }, went)[0]!.at;
      for (const { pid } of held) assert.deepEqual(entries({ event: 'checkpointed', pid }, taken), [], 'a zombie moves no checkpoint');
      await waitFor('the JVM to hold shards again', async () => (await heldBy(still)).length > 0);
      const health = await still.health();
      assert.deepEqual([health?.daemon.pid, health?.daemon.generation, health?.healthy], [daemon, 1, true]);
      this.test!.title += ` (taken over after ${seconds(taken - stopped)} s, told ${seconds(told - went)} s after it went on)`;

      await load.stop();
      await waitFor('all records', () => distinct(application.deliveries()) >= rig.putSoFar);
      const zombies = new Set(held.map(({ pid }) => pid));
      const owners = application.entries().filter(({ pid, at }) => !(zombies.has(pid) && at > stopped));
      assert.deepEqual(replayFaultsOf(owners, rig.putSoFar), []);
      for (const recorder of [still, other]) assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
    });
  });
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
