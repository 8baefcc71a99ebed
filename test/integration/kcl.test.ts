import assert from 'node:assert/strict';
import { isGroupAlive } from '../../services/lib/process/process-group.ts';
import { requirePart } from '../support/optional.ts';
import { type Recorder, type Rig, startRig } from './kcl/rig.ts';

/** Scenes of one run, in this order: a JVM's start is what costs here. */
describe('a KCL consumer on the real daemon', function () {
  this.timeout(120_000);
  let rig: Rig;
  let recorder: Recorder;

  before(async function () {
    for (const part of ['java', 'kcl-jars', 'dynamodb-local'] as const) requirePart(this, part);
    rig = await startRig();
  });
  after(async () => {
    if (recorder?.process.exitCode === null) {
      recorder.process.kill('SIGKILL');
      await recorder.exited;
    }
    await rig?.stop();
  });

  const allDelivered = (): boolean => rig.records().length >= rig.putSoFar;

  function assertOnceAndInOrder(): void {
    const values = rig.records().map(({ value }) => Number(value));
    assert.equal(values.length, rig.putSoFar);
    assert.equal(new Set(values).size, rig.putSoFar, 'a record was delivered twice');
    const newest = new Map<string, number>();
    for (const { key, value } of rig.records()) {
      assert.ok(Number(value) > (newest.get(key ?? '') ?? -1), `${key}: ${value} came after ${newest.get(key ?? '')}`);
      newest.set(key ?? '', Number(value));
    }
  }

  it('refuses a configuration, all its problems at once, and starts nothing', async () => {
    const refused = rig.startRecorder({ KCL_JARS: '/nowhere', KCL_IDLE_MS: '50', DYNAMODB_ENDPOINT: 'http://dynamo.example:8000' });
    assert.deepEqual(await refused.exited, { code: 1, signal: null });
    assert.equal(refused.log.length, 1);
    assert.match(refused.log[0]?.msg ?? '', /DYNAMODB_ENDPOINT[^]*KCL_JARS[^]*50 ms/);
  });

  it('delivers the first batch of a fresh application within seconds', async function () {
    await rig.put(300);
    recorder = rig.startRecorder();
    await rig.waitFor('the first 300 records', allDelivered);
    const first = rig.records()[0]?.at ?? 0;
    assertOnceAndInOrder();
    this.test!.title += ` (${((first - recorder.startedAt) / 1_000).toFixed(1)} s)`;
  });

  for (const shards of [4, 2]) {
    it(`reads through a reshard to ${shards}: every record once, in order per key`, async function () {
      for (let i = 0; i < 5; i++) await rig.put(40);
      const started = Date.now();
      await Promise.all([rig.reshard(shards), rig.put(40)]);
      for (let i = 0; i < 5; i++) await rig.put(40);
      await rig.waitFor('all records across the reshard', allDelivered);
      assertOnceAndInOrder();
      this.test!.title += ` (${((Date.now() - started) / 1_000).toFixed(1)} s)`;
    });
  }

  it('reports health and metrics of the launcher and all its children', async () => {
    await rig.waitFor('two children', async () => (await recorder.health())?.children.length === 2);
    const health = await recorder.health();
    assert.equal(health?.healthy, true);
    await rig.waitFor('all counted', async () => (await recorder.metrics()).includes(`\nrecorded ${rig.putSoFar}\n`));
    const metrics = await recorder.metrics();
    assert.match(metrics, /^millis_behind_latest\{shard="shardId-\d+"\} \d+$/m);
    assert.match(metrics, /^checkpoints\{outcome="ok"\} \d+$/m);
  });

  it('notices the kill -9 of an idle child, and recovers', async function () {
    const before = await recorder.health();
    const killed = Date.now();
    process.kill(before?.children[0]?.pid ?? Number.NaN, 'SIGKILL');
    await rig.waitFor('a restart', () => recorder.log.some(({ event }) => event === 'daemon.restarting'), 5_000);
    assert.equal(isGroupAlive(before?.daemon.pid ?? 0), false, 'the old JVM and its children are gone');
    await rig.put(100);
    await rig.waitFor('the records after the kill', allDelivered);
    assertOnceAndInOrder();
    assert.equal((await recorder.health())?.daemon.generation, 2);
    this.test!.title += ` (${((Date.now() - killed) / 1_000).toFixed(1)} s)`;
  });

  it('stops cleanly on SIGTERM, and delivers nothing twice after a restart', async function () {
    const asked = Date.now();
    const daemon = (await recorder.health())?.daemon.pid ?? 0;
    recorder.process.kill('SIGTERM');
    assert.deepEqual(await recorder.exited, { code: 0, signal: null });
    const stopMs = Date.now() - asked;
    assert.equal(isGroupAlive(daemon), false);
    assert.deepEqual(recorder.strayLines, []);

    recorder = rig.startRecorder();
    await rig.put(100);
    await rig.waitFor('the records after the restart', allDelivered);
    assertOnceAndInOrder();
    recorder.process.kill('SIGTERM');
    assert.deepEqual(await recorder.exited, { code: 0, signal: null });
    assertOnceAndInOrder();
    this.test!.title += ` (stop ${(stopMs / 1_000).toFixed(1)} s)`;
  });

  it('never lets what a child prints reach the daemon', () => {
    assert.ok(recorder.log.some(({ event }) => event === 'output.guarded'));
    assert.deepEqual(recorder.strayLines, []);
  });
});
