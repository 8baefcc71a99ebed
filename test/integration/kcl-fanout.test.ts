import assert from 'node:assert/strict';
import { type Application, waitFor } from './kcl/application.ts';
import { repeated, replayFaultsOf } from './kcl/history.ts';
import { requireKcl } from './kcl/lines.ts';
import type { Load } from './kcl/load.ts';
import type { Recorder } from './kcl/recorder-process.ts';
import { type Rig, startRig } from './kcl/rig.ts';

const recordsPerSecond = 200;
const settings = { KCL_RETRIEVAL_MODE: 'FANOUT', KCL_FAILOVER_MS: '2000' };

/** SubscribeToShard, API reference: "for up to 5 minutes". */
const subscriptionLifeMs = 300_000;

/** Scenes of one run, in this order, under one steady load. */
describe('a KCL consumer with a fan-out of its own, under load', function () {
  this.timeout(120_000);
  let rig: Rig;
  let application: Application;
  let recorder: Recorder;
  let load: Load;
  let shards: readonly string[];

  before(async function () {
    requireKcl(this);
    rig = await startRig({ shards: 2 });
    application = rig.application('recorder');
    shards = await rig.openShards();
  });
  after(() => rig?.stop());

  const repeatedSoFar = (): number => repeated(application.deliveries());
  /** Resolves when what was put from now on is delivered; adds to the title the seconds since `began`, and how many records came again. */
  async function flowsAgain(test: Mocha.Runnable | undefined, began: number, repeatedBefore: number): Promise<void> {
    const flows = await application.reading(shards, Date.now());
    test!.title += ` (${((flows - began) / 1_000).toFixed(1)} s until records flow, ${repeatedSoFar() - repeatedBefore} again)`;
  }
  /** Daemons of this launcher that ended unasked. Nothing of them lives when it is logged. */
  const restarts = (): number => recorder.log.filter(({ event }) => event === 'daemon.restarting').length;

  it('registers under the name of its application', async () => {
    recorder = application.startRecorder(settings);
    load = rig.startLoad(recordsPerSecond);
    await application.reading(shards, 0);
    assert.deepEqual(await rig.consumers(), ['recorder']);
  });

  it('subscribes anew when its subscriptions end after five minutes, and repeats nothing', async function () {
    const before = repeatedSoFar();
    const subscribed = await rig.measured('SubscribeToShard.Success');
    await rig.advance(subscriptionLifeMs);
    await flowsAgain(this.test, Date.now(), before);
    assert.equal(repeatedSoFar(), before);
    assert.equal(await rig.measured('SubscribeToShard.Success'), subscribed + shards.length);
  });

  it('survives kill -9 of its daemon', async function () {
    const before = repeatedSoFar();
    const killed = Date.now();
    process.kill((await recorder.health())?.daemon.pid ?? Number.NaN, 'SIGKILL');
    await waitFor('the end of the old processes', () => restarts() === 1);
    await flowsAgain(this.test, killed, before);
  });

  it('repeats nothing across SIGTERM and a new start', async function () {
    const before = repeatedSoFar();
    const asked = Date.now();
    assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
    recorder = application.startRecorder(settings);
    await flowsAgain(this.test, asked, before);
    assert.equal(repeatedSoFar(), before);
  });

  it('does not take its shards for ended when somebody deregisters it, and registers anew', async function () {
    const before = repeatedSoFar();
    const deregistered = Date.now();
    await rig.deregister('recorder');
    await waitFor('the end of the old processes', () => restarts() === 1);
    await flowsAgain(this.test, deregistered, before);
    assert.equal(
      application.entries().some(({ event }) => event === 'shardEnded'),
      false,
    );
    assert.deepEqual(await rig.consumers(), ['recorder']);
  });

  it('gives one of its leases to a second worker, and takes it back when that one stops', async function () {
    const before = repeatedSoFar();
    const joined = Date.now();
    const second = application.startRecorder({ ...settings, WORKER_ID: 'worker-2' });
    await waitFor('records at the second worker', () => application.entries().some((e) => e.worker === 'worker-2' && e.event === 'record'));
    await flowsAgain(this.test, joined, before);
    const left = Date.now();
    const beforeStop = repeatedSoFar();
    assert.deepEqual(await second.stop(), { code: 0, signal: null });
    await flowsAgain(this.test, left, beforeStop);
    assert.equal(restarts(), 1);
  });

  it('brought every record, in order per key, and again only what was not checkpointed', async () => {
    await load.stop();
    await waitFor('all records', () => new Set(application.deliveries().map(({ n }) => n)).size >= rig.putSoFar);
    assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
    assert.deepEqual(replayFaultsOf(application.entries(), rig.putSoFar), []);
  });
});
