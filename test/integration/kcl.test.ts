import assert from 'node:assert/strict';
import { isGroupAlive } from '../../services/lib/process/process-group.ts';
import { type Application, waitFor } from './kcl/application.ts';
import { distinct, faultsOf } from './kcl/history.ts';
import { kclLines, requireKcl } from './kcl/lines.ts';
import type { Recorder } from './kcl/recorder-process.ts';
import { type Rig, startRig } from './kcl/rig.ts';

const childTimeoutS = '8';

/** Scenes of one run, in this order: a JVM's start is what costs here. */
for (const kclLine of kclLines([2, 3]))
  describe(`a KCL consumer on the real daemon ${kclLine}.x`, function () {
    this.timeout(kclLine === 3 ? 240_000 : 120_000);
    let rig: Rig;
    let application: Application;
    let recorder: Recorder;

    before(async function () {
      requireKcl(this, kclLine);
      rig = await startRig({ shards: 2, kclLine });
      application = rig.application('recorder');
    });
    after(() => rig?.stop());

    const allDelivered = (): boolean => distinct(application.deliveries()) >= rig.putSoFar;
    const assertOnceAndInOrder = (): void => assert.deepEqual(faultsOf(application.deliveries(), rig.putSoFar), []);

    it('refuses a configuration, all its problems at once, and starts nothing', async () => {
      const refused = application.startRecorder({
        KCL_JARS: '/nowhere',
        KCL_IDLE_MS: '50',
        DYNAMODB_ENDPOINT: 'http://dynamo.example:8000',
      });
      assert.deepEqual(await refused.exited, { code: 1, signal: null });
      assert.equal(refused.log.length, 1);
      assert.match(refused.log[0]?.msg ?? '', /DYNAMODB_ENDPOINT[^]*KCL_JARS[^]*50 ms/);
    });

    it('delivers the first batch of a fresh application within seconds', async function () {
      await rig.put(300);
      recorder = application.startRecorder({ KCL_TIMEOUT_S: childTimeoutS });
      await waitFor('the first 300 records', allDelivered);
      const first = application.deliveries()[0]?.at ?? 0;
      assertOnceAndInOrder();
      this.test!.title += ` (${((first - recorder.startedAt) / 1_000).toFixed(1)} s)`;
    });

    for (const shards of [4, 2]) {
      it(`reads through a reshard to ${shards}: every record once, in order per key`, async function () {
        for (let i = 0; i < 5; i++) await rig.put(40);
        const started = Date.now();
        await Promise.all([rig.reshard(shards), rig.put(40)]);
        for (let i = 0; i < 5; i++) await rig.put(40);
        await waitFor('all records across the reshard', allDelivered);
        assertOnceAndInOrder();
        this.test!.title += ` (${((Date.now() - started) / 1_000).toFixed(1)} s)`;
      });
    }

    it('reports health and metrics of the launcher and all its children', async () => {
      await waitFor('two children', async () => (await recorder.health())?.children.length === 2);
      const health = await recorder.health();
      assert.equal(health?.healthy, true);
      await waitFor('all counted', async () => (await recorder.metrics()).includes(`\nrecorded ${rig.putSoFar}\n`));
      const metrics = await recorder.metrics();
      assert.match(metrics, /^millis_behind_latest\{shard="shardId-\d+"\} \d+$/m);
      assert.match(metrics, /^checkpoints\{outcome="ok"\} \d+$/m);
    });

    it('notices the kill -9 of an idle child, and recovers', async function () {
      const before = await recorder.health();
      const killed = Date.now();
      process.kill(before?.children[0]?.pid ?? Number.NaN, 'SIGKILL');
      await waitFor('a restart', () => recorder.log.some(({ event }) => event === 'daemon.restarting'), 5_000);
      assert.equal(isGroupAlive(before?.daemon.pid ?? 0), false, 'the old JVM and its children are gone');
      await rig.put(100);
      await waitFor('the records after the kill', allDelivered);
      assertOnceAndInOrder();
      assert.equal((await recorder.health())?.daemon.generation, 2);
      this.test!.title += ` (${((Date.now() - killed) / 1_000).toFixed(1)} s)`;
    });

    it('ends a child that never answers, and starts it again with all others', async function () {
      const restarts = (): number => recorder.log.filter(({ event }) => event === 'daemon.restarting').length;
      const before = await recorder.health();
      const { pid } = before!.children[0]!;
      const hung = Date.now();
      process.kill(pid, 'SIGSTOP');
      await rig.put(100);
      await waitFor('a restart', () => restarts() === 2, 30_000);
      this.test!.title += ` (after ${((Date.now() - hung) / 1_000).toFixed(1)} s`;
      assert.equal(isGroupAlive(before?.daemon.pid ?? 0), false, 'the stopped child is gone');
      assert.ok(recorder.log.some(({ msg }) => msg?.includes('Timedout to get status message')));
      await waitFor('the records after the hang', allDelivered);
      assertOnceAndInOrder();
      this.test!.title += `, records after ${((Date.now() - hung) / 1_000).toFixed(1)} s)`;
    });

    it('stops cleanly on SIGTERM, and delivers nothing twice after a restart', async function () {
      const asked = Date.now();
      const daemon = (await recorder.health())?.daemon.pid ?? 0;
      assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
      const stopMs = Date.now() - asked;
      assert.equal(isGroupAlive(daemon), false);
      assert.deepEqual(recorder.strayLines, []);

      recorder = application.startRecorder();
      await rig.put(100);
      await waitFor('the records after the restart', allDelivered);
      assertOnceAndInOrder();
      assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
      assertOnceAndInOrder();
      this.test!.title += ` (stop ${(stopMs / 1_000).toFixed(1)} s)`;
    });

    it('never lets what a child prints reach the daemon', () => {
      assert.ok(recorder.log.some(({ event }) => event === 'output.guarded'));
      assert.deepEqual(recorder.strayLines, []);
    });
  });
