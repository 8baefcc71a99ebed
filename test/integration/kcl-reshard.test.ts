import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { type Application, waitFor } from './kcl/application.ts';
import { distinct, repeated, replayFaultsOf } from './kcl/history.ts';
import { type Latency, latencyOf, type Span } from './kcl/latency.ts';
import { kclLines, requireKcl } from './kcl/lines.ts';
import type { Recorder } from './kcl/recorder-process.ts';
import { type Rig, startRig } from './kcl/rig.ts';

const modes = (process.env['RESHARD_MODES'] ?? 'POLLING,FANOUT').split(',');
/** How long each shard count is held once it has settled; RESHARD_HOLD_MS=20000 and one mode at a time give figures worth quoting. */
const holdMs = Number(process.env['RESHARD_HOLD_MS'] ?? 2_000);
const idleMs = process.env['RESHARD_IDLE_MS'] ?? '200';
/** KCL 2.7 looks for free leases, those of new shards too, every 2 × failover time. */
const failoverMs = '1000';
const recordsPerSecond = 500;
const shardCounts = [1, 2, 4, 3, 2] as const;

const inWords = ({ p50, p95 }: Latency): string => `p50 ${p50} ms, p95 ${p95} ms`;
const inSeconds = (ms: number): string => (ms / 1_000).toFixed(1);

for (const kclLine of kclLines([2]))
  describe(`reshards ${shardCounts.join(' → ')} at ${recordsPerSecond} records/s, the limits of AWS kept (KCL ${kclLine}.x)`, function () {
    this.timeout(60_000 + shardCounts.length * (holdMs + 30_000));
    let rig: Rig;
    let load: ReturnType<Rig['startLoad']>;
    const applications = new Map<string, Application>();
    const recorders = new Map<string, Recorder>();
    const steady: Span[] = [];

    before(async function () {
      requireKcl(this, kclLine);
      rig = await startRig({ shards: shardCounts[0], kclLine });
      for (const mode of modes) applications.set(mode, rig.application(`recorder-${mode.toLowerCase()}`));
    });
    after(() => rig?.stop());

    /** When every application reads all open shards and has caught up with what was put since the first of them began. */
    async function settle(open: readonly string[], asked: number): Promise<number> {
      const all = async (since: number): Promise<number> =>
        Math.max(...(await Promise.all([...applications.values()].map((application) => application.reading(open, since)))));
      return all(await all(asked));
    }

    it('are read to the end', async function () {
      for (const [mode, application] of applications) {
        const settings = { KCL_RETRIEVAL_MODE: mode, KCL_IDLE_MS: idleMs, KCL_FAILOVER_MS: failoverMs };
        recorders.set(mode, application.startRecorder(settings));
      }
      load = rig.startLoad(recordsPerSecond);
      const settleMs: number[] = [];
      for (const [step, shards] of shardCounts.entries()) {
        const asked = Date.now();
        const open = step === 0 ? await rig.openShards() : await rig.reshard(shards);
        assert.equal(open.length, shards);
        const settled = await settle(open, asked);
        settleMs.push(settled - asked);
        await delay(holdMs);
        steady.push({ from: settled, until: Date.now() });
      }
      await load.stop();
      for (const application of applications.values()) {
        await waitFor(`all of ${application.name}`, () => distinct(application.deliveries()) >= rig.putSoFar);
      }
      for (const recorder of recorders.values()) assert.deepEqual(await recorder.stop(), { code: 0, signal: null });
      const refused = `${load.throttled} puts and ${await rig.measured('ReadProvisionedThroughputExceeded')} reads refused`;
      this.test!.title += ` (${settleMs.slice(1).map(inSeconds).join(', ')} s until settled; ${refused})`;
    });

    for (const mode of modes) {
      it(`${mode}: each record once, in order per key`, function () {
        const entries = applications.get(mode)?.entries() ?? [];
        const deliveries = applications.get(mode)?.deliveries() ?? [];
        assert.deepEqual(replayFaultsOf(entries, rig.putSoFar), []);
        const again = repeated(deliveries);
        if (droppedLeases(recorders.get(mode)) === 0) assert.equal(again, 0);
        const all = latencyOf(deliveries, [{ from: steady[0]!.from, until: Number.POSITIVE_INFINITY }]);
        this.test!.title += ` (put to processRecords ${inWords(latencyOf(deliveries, steady))}, reshards included ${inWords(all)}`;
        this.test!.title += again === 0 ? ')' : `; ${again} again, since KCL dropped a lease)`;
      });
    }
  });

/**
 * A shard that merges with the child of another split waits for that child's lease. One time in 30 KCL then gives its own lease up
 * and takes it again (KCL: ShutdownTask.createLeasesForChildShardsIfNotExist), and what was not checkpointed comes again.
 */
function droppedLeases(recorder: Recorder | undefined): number {
  return recorder?.log.filter(({ msg }) => msg?.includes('Dropping the lease and shutting down shardConsumer')).length ?? 0;
}
