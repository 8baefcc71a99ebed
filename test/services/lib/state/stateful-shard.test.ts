import assert from 'node:assert/strict';
import { position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { tableAway } from './memory.ts';
import { failoverTimeMs, type Process, snapshotIntervalMs } from './rig.ts';
import { TallyRig, until } from './tally-rig.ts';

/** Everything that a fenced process must not change. */
const traces = (rig: TallyRig) => ({
  items: [...rig.rows.items],
  keys: rig.keys(''),
  checkpoints: [...rig.checkpoints],
  settled: [...rig.settled],
});

/** Two processes: one that owned the shard after its first 3 records, and the one that took it over there. */
async function passed(rig: TallyRig): Promise<{ zombie: Process; owner: Process; texts: string[] }> {
  const texts = rig.put('shard', 12);
  const zombie = await rig.begin('shard', 'worker-1');
  await zombie.deliver(3);
  rig.now += snapshotIntervalMs;
  await zombie.deliver(0);
  await until(() => rig.rows.row('shard')?.current !== undefined);
  const owner = await rig.begin('shard', 'worker-2');
  return { zombie, owner, texts };
}

describe('a stateful shard', () => {
  describe('whose process owns it', () => {
    it('gives no record again after a clean stop', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 20);
      for (const count of [7, 0, 6, 7]) {
        const process = await rig.begin('shard');
        await process.deliver(count);
        await process.stop();
      }
      assert.deepEqual([await rig.texts('shard'), [...rig.settled], rig.again], [texts, texts, 0]);
      assert.equal(rig.counter('records_skipped', { reason: 'position' }), 0);
      assert.equal(rig.checkpoints.get('shard'), position('106', 1));
    });

    it('skips by position what comes again after a crash, and counts it', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 20);
      const first = await rig.begin('shard');
      await first.deliver(10);
      rig.now += snapshotIntervalMs;
      await first.deliver(5);
      await until(() => rig.keys().length === 1 && rig.rows.row('shard')?.current !== undefined);
      first.kill();
      const next = await rig.begin('shard');
      await next.deliver();
      await next.stop();
      assert.deepEqual([await rig.texts('shard'), [...rig.settled], rig.again], [texts, texts, 0]);
      assert.equal(rig.counter('records_skipped', { reason: 'position' }), 15);
    });

    it('raises again what a crash came before its snapshot, in the same way', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 6);
      const first = await rig.begin('shard');
      await first.deliver();
      first.kill();
      const next = await rig.begin('shard');
      await next.deliver();
      await next.stop();
      assert.deepEqual([await rig.texts('shard'), [...rig.settled], rig.again], [texts, texts, 6]);
    });

    it('checkpoints only where the snapshot before the newest stands, in the action after', async () => {
      const rig = new TallyRig();
      rig.put('shard', 30);
      const process = await rig.begin('shard');
      const { made } = process.checkpointer;
      for (const [i, count] of [4, 4, 4, 4].entries()) {
        rig.now += snapshotIntervalMs;
        await process.deliver(count);
        await until(() => rig.rows.row('shard')?.current?.position === rig.stream.records.get('shard')?.[4 * i + 3]?.position);
      }
      // Snapshots stand at records 3, 7 and 11 when the last batch begins; the one before the newest is at record 7.
      assert.deepEqual(made, [position('101'), position('102')]);
      await process.deliver(0);
      assert.deepEqual(made, [position('101'), position('102'), position('103')], 'a tick is an action too');
      await process.deliver(0);
      assert.equal(made.length, 3, 'not again');
    });

    it('never checkpoints beyond what KCL has delivered to this process', async () => {
      const rig = new TallyRig();
      rig.put('shard', 12);
      const first = await rig.begin('shard');
      for (const count of [6, 6]) {
        rig.now += snapshotIntervalMs;
        await first.deliver(count);
        await until(() => rig.rows.row('shard')?.current?.position === rig.stream.records.get('shard')?.[11 - first.left]?.position);
      }
      first.kill();
      rig.checkpoints.set('shard', trimHorizon);
      const next = await rig.begin('shard');
      await next.deliver(0);
      await next.deliver(3); // KCL would refuse record 5 here, and the checkpointer of this test throws
      assert.deepEqual(next.checkpointer.made, []);
      await next.deliver(4);
      assert.deepEqual(next.checkpointer.made, [position('101')]);
    });

    it('makes what follows from a batch durable before it answers, and before a snapshot covers it', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 6);
      rig.onStep = (call) => {
        if (call === 'objects.create') assert.equal(rig.settled.size, 6);
      };
      const process = await rig.begin('shard');
      rig.now += snapshotIntervalMs;
      await process.deliver();
      assert.deepEqual([...rig.settled], texts);
      await process.stop();
    });

    it('rejects a batch whose effects could not be stored, and checkpoints nothing', async () => {
      const rig = new TallyRig();
      rig.put('shard', 6);
      const process = await rig.begin('shard');
      rig.onSettle = () => Promise.reject(new RangeError('no such table'));
      await assert.rejects(process.deliver(), /no such table/);
      assert.deepEqual([process.checkpointer.made, rig.keys()], [[], []]);
    });

    it('dead-letters a record that makes its model throw, with the stack, and goes on from the state before', async () => {
      const rig = new TallyRig();
      const [before, , after] = [rig.put('shard', 2), rig.put('shard', 1, 'throw-'), rig.put('shard', 2)];
      const process = await rig.begin('shard');
      await process.deliver();
      await process.stop();
      assert.deepEqual(await rig.texts('shard'), [...before, ...after]);
      const [key = '', ...more] = rig.keys('deadletter/');
      assert.deepEqual([key, more], ['deadletter/test/stream/shard/100-2.json', []]);
      const letter = String(rig.bodies.get(key));
      assert.match(letter, /"reason":"rule-failed"/);
      assert.match(letter, /RangeError: throw-2 in a rule\\n +at /);
      assert.equal(rig.counter('records_dead_lettered', { reason: 'rule-failed' }), 1);
    });

    it('gives up its snapshot at a stop when the time is over: nothing is checkpointed, and the lease is let go at once', async () => {
      const rig = new TallyRig();
      rig.stopSaveMs = 5;
      rig.put('shard', 6);
      const process = await rig.begin('shard');
      await process.deliver();
      rig.onStep = (call) => (call === 'objects.create' ? new Promise(() => {}) : undefined);
      await process.stop();
      assert.deepEqual([process.checkpointer.made, rig.events('state.unsaved').length], [[], 1]);
      await process.shard.leaseLost();
    });

    it('checkpoints nothing at a stop whose snapshot cannot be read back', async () => {
      const rig = new TallyRig();
      rig.put('shard', 6);
      const process = await rig.begin('shard');
      await process.deliver();
      rig.onStep = (call, when, key) => {
        if (call === 'objects.create' && when === 'after') rig.bodies.set(key, Buffer.from('something else'));
      };
      await process.stop();
      assert.deepEqual([process.checkpointer.made, rig.events('state.unsaved').length], [[], 1]);
    });

    it('leaves no trace once its lease is lost', async () => {
      const rig = new TallyRig();
      rig.put('shard', 9);
      const process = await rig.begin('shard');
      await process.deliver(3);
      rig.now += snapshotIntervalMs;
      await process.deliver(3);
      const lost = process.shard.leaseLost();
      await lost;
      const before = traces(rig);
      rig.now += 10 * failoverTimeMs;
      await process.deliver(3);
      await process.stop();
      assert.deepEqual(traces(rig), before);
    });
  });

  describe('whose process is fenced', () => {
    it('because the lease is another’s: answers, applies nothing, writes nothing', async () => {
      const rig = new TallyRig();
      rig.put('shard', 6);
      const process = rig.process('shard');
      rig.rows.leases.set('shard', 'worker-2');
      await process.initialize();
      await process.deliver();
      await process.stop();
      assert.deepEqual(traces(rig), { items: [], keys: [], checkpoints: [], settled: [] });
      assert.equal(rig.counter('fenced'), 1);
    });

    it('because another took the next epoch: its alert, its pointer and its checkpoint are refused, and it goes on answering', async () => {
      const rig = new TallyRig();
      const { zombie, owner, texts } = await passed(rig);
      const before = traces(rig);
      await zombie.deliver(3);
      assert.deepEqual(traces(rig), before, 'what follows from its batch');
      rig.now += snapshotIntervalMs / 2;
      await zombie.deliver(3);
      await zombie.stop();
      assert.deepEqual([traces(rig), rig.counter('fenced')], [before, 1]);
      await owner.deliver();
      await owner.stop();
      assert.deepEqual([await rig.texts('shard'), [...rig.settled], rig.again], [texts, texts, 0]);
    });

    it('finds it out by its snapshot when nothing else told it: that is never pointed at, and the owner sweeps it', async () => {
      const rig = new TallyRig();
      const { zombie, owner } = await passed(rig);
      rig.stream.records.set('shard', rig.stream.records.get('shard')?.slice(0, 3) ?? []);
      rig.put('shard', 3, 'quiet-');
      await zombie.deliver(3);
      assert.equal(rig.counter('fenced'), 0, 'it had nothing to store');
      const row = rig.rows.row('shard');
      rig.now += snapshotIntervalMs;
      await zombie.deliver(0);
      await until(() => rig.keys().length === 2);
      await zombie.stop();
      assert.deepEqual([rig.counter('fenced'), rig.counter('fenced_writes_refused', { what: 'snapshot' })], [1, 1]);
      assert.deepEqual([rig.rows.row('shard'), zombie.checkpointer.made], [row, []]);
      await owner.deliver();
      await owner.stop();
      await owner.deliver(0);
      await until(() => rig.counter('snapshot_orphans_swept') === 1);
      assert.deepEqual(rig.keys(), [rig.keyOf('shard', 'previous'), rig.keyOf('shard')]);
    });

    it('returns after two failover times if the lease names it, and reads itself what was delivered meanwhile', async () => {
      const rig = new TallyRig();
      const { zombie, owner, texts } = await passed(rig);
      await owner.deliver(5);
      owner.kill();
      await zombie.deliver(3);
      rig.rows.leases.set('shard', 'worker-1');
      rig.now += 2 * failoverTimeMs - 1;
      await zombie.deliver(3);
      assert.deepEqual([...rig.settled], texts.slice(0, 5), 'not yet');
      rig.stream.reads.length = 0;
      rig.now += 1;
      await zombie.deliver(2);
      assert.equal(rig.rows.row('shard')?.epoch, 3);
      assert.deepEqual(rig.stream.reads, [{ shardId: 'shard', after: position('100', 2), upTo: position('102', 2) }]);
      assert.deepEqual([...rig.settled], texts.slice(0, 11));
      await zombie.deliver();
      await zombie.stop();
      assert.deepEqual([await rig.texts('shard'), [...rig.settled], rig.events('state.returned').length], [texts, texts, 1]);
    });

    it('stays so while the lease names another, and looks again after two failover times', async () => {
      const rig = new TallyRig();
      const { zombie } = await passed(rig);
      await zombie.deliver(3);
      rig.now += 2 * failoverTimeMs;
      await zombie.deliver(1);
      assert.equal(rig.rows.row('shard')?.epoch, 2);
      rig.rows.leases.set('shard', 'worker-1');
      await zombie.deliver(1);
      assert.equal(rig.rows.row('shard')?.epoch, 2, 'too soon after the last look');
      rig.now += 2 * failoverTimeMs;
      await zombie.deliver(1);
      assert.equal(rig.rows.row('shard')?.epoch, 3);
    });

    it('does not answer the end of the shard while the lease names it, until it has written the final', async () => {
      const rig = new TallyRig();
      const { zombie, owner, texts } = await passed(rig);
      owner.kill();
      await zombie.deliver();
      rig.rows.leases.set('shard', 'worker-1');
      const pauses: number[] = [];
      rig.onPause = async (ms) => {
        pauses.push(ms);
        rig.now += ms;
        assert.notEqual(rig.checkpoints.get('shard'), shardEnd);
      };
      await zombie.end();
      assert.deepEqual(pauses, Array(6).fill(1_000));
      assert.deepEqual([rig.checkpoints.get('shard'), rig.rows.row('shard')?.final], [shardEnd, true]);
      assert.deepEqual([await rig.texts('shard'), [...rig.settled]], [texts, texts]);
    });

    it('answers the end of the shard without a checkpoint as soon as the lease names another', async () => {
      const rig = new TallyRig();
      const { zombie } = await passed(rig);
      await zombie.deliver();
      rig.rows.leases.set('shard', 'worker-1');
      rig.onPause = async (ms) => {
        rig.now += ms;
        if (rig.now % 2_000 === 0) rig.rows.leases.set('shard', 'worker-3');
      };
      const before = traces(rig);
      await zombie.end();
      assert.deepEqual(traces(rig), before);
    });

    it('waits for the table when it asks whose the lease is', async () => {
      const rig = new TallyRig();
      const { zombie } = await passed(rig);
      await zombie.deliver();
      let failures = 3;
      rig.onStep = (call, when) => {
        if (call === 'table.ownsLease' && when === 'before' && failures-- > 0) throw tableAway();
      };
      await zombie.end();
      assert.equal(failures, -1);
      assert.notEqual(rig.checkpoints.get('shard'), shardEnd);
    });
  });

  describe('that has ended', () => {
    it('has its last state durable before SHARD_END is', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 9);
      const process = await rig.begin('shard');
      await process.deliver();
      rig.onStep = () => assert.notEqual(process.checkpointer.last, shardEnd);
      await process.end();
      assert.deepEqual([rig.checkpoints.get('shard'), rig.rows.row('shard')?.final, rig.ref('shard').position], [shardEnd, true, shardEnd]);
      assert.deepEqual(await rig.texts('shard'), texts);
    });

    it('does not end when its last state cannot be stored', async () => {
      const rig = new TallyRig();
      const process = await rig.begin('shard');
      rig.onStep = (call) => {
        if (call === 'objects.create') throw new RangeError('no such bucket');
      };
      await assert.rejects(process.end(), /no such bucket/);
      assert.deepEqual(process.checkpointer.made, []);
    });

    it('applies nothing any more and checkpoints all, whoever gets it again', async () => {
      const rig = new TallyRig();
      const texts = rig.put('shard', 9);
      const first = await rig.begin('shard');
      await first.deliver();
      first.checkpointer.all = async () => ({ ok: false, reason: 'failed', error: 'ThrottlingException' });
      await first.end();
      assert.equal(rig.checkpoints.get('shard'), trimHorizon, 'the final is durable, its checkpoint is not');
      const final = rig.rows.row('shard')?.current;
      const next = await rig.begin('shard', 'worker-2');
      await next.deliver(4);
      assert.deepEqual(next.checkpointer.made, [position('101', 0)]);
      await next.stop();
      await next.deliver();
      await next.end();
      assert.equal(rig.checkpoints.get('shard'), shardEnd);
      assert.deepEqual([rig.again, rig.rows.row('shard')?.current, await rig.texts('shard')], [0, final, texts]);
    });
  });
});
