import assert from 'node:assert/strict';
import fc from 'fast-check';
import { takeEpoch } from '../../../../services/lib/state/ownership.ts';
import { MemoryRows, MemoryTable, type Step, tableAway } from './memory.ts';
import { Rig } from './rig.ts';

const patience = new Rig([], () => assert.fail('no model')).patience;

/** Answers and calls get lost as the list says, call by call. */
function lossy(plan: readonly ('ok' | 'lost' | 'refused')[]): Step {
  let calls = -1;
  return (_call, when) => {
    if (when === 'before') calls++;
    const fate = plan[calls] ?? 'ok';
    if ((fate === 'refused' && when === 'before') || (fate === 'lost' && when === 'after')) throw tableAway();
  };
}

describe('taking the next epoch', () => {
  it('gives the first owner epoch 1, each later one the next, with the row as it is then', async () => {
    const rows = new MemoryRows();
    rows.leases.set('shard', 'a');
    const table = new MemoryTable(rows, 'a');
    for (const expected of [1, 2, 3]) {
      const taken = await takeEpoch(table, 'shard', patience);
      assert.ok(taken !== 'notOwner');
      assert.deepEqual([taken.fence.epoch, taken.row.epoch, taken.row.worker], [expected, expected, 'a']);
    }
  });

  it('is refused to who does not hold the lease, and changes nothing', async () => {
    const rows = new MemoryRows();
    assert.equal(await takeEpoch(new MemoryTable(rows, 'a'), 'shard', patience), 'notOwner');
    rows.leases.set('shard', 'b');
    assert.equal(await takeEpoch(new MemoryTable(rows, 'a'), 'shard', patience), 'notOwner');
    assert.equal(rows.items.size, 0);
  });

  it('takes another epoch when an answer is lost, never the one it may have', async () => {
    const rows = new MemoryRows();
    rows.leases.set('shard', 'a');
    const taken = await takeEpoch(new MemoryTable(rows, 'a', lossy(['ok', 'lost'])), 'shard', patience);
    assert.ok(taken !== 'notOwner');
    assert.equal(taken.fence.epoch, 2);
  });

  it('is no owner when another one followed before it read the row', async () => {
    const rows = new MemoryRows();
    rows.leases.set('shard', 'a');
    let reads = 0;
    const table = new MemoryTable(rows, 'a', async (call, when) => {
      if (call !== 'table.read' || when !== 'before' || ++reads < 2) return;
      rows.leases.set('shard', 'b');
      assert.notEqual(await takeEpoch(new MemoryTable(rows, 'b'), 'shard', patience), 'notOwner');
    });
    assert.equal(await takeEpoch(table, 'shard', patience), 'notOwner');
    assert.equal(rows.row('shard')?.worker, 'b');
  });

  it('never gives two owners one epoch, whatever answers are lost and however their calls mix', async () => {
    const fate = fc.constantFrom('ok', 'ok', 'lost' as const, 'refused' as const);
    const plans = fc.array(fc.array(fate, { maxLength: 12 }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(plans, fc.scheduler(), async (owners, scheduler) => {
        const rows = new MemoryRows();
        rows.leases.set('shard', 'same-name'); // two processes under one worker id: nothing but the epoch tells them apart
        const takes = owners.map((plan) => {
          const lose = lossy(plan);
          const step: Step = async (...of) => {
            await scheduler.schedule(Promise.resolve());
            await lose(...of);
          };
          return takeEpoch(new MemoryTable(rows, 'same-name', step), 'shard', patience);
        });
        const all = Promise.all(takes);
        await scheduler.waitFor(all);
        const epochs = (await all).flatMap((taken) => (taken === 'notOwner' ? [] : [taken.fence.epoch]));
        assert.equal(new Set(epochs).size, epochs.length, String(epochs));
        assert.ok(epochs.every((epoch) => epoch <= (rows.row('shard')?.epoch ?? 0)));
      }),
      { numRuns: 150 },
    );
  });
});
