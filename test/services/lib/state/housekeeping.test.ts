import assert from 'node:assert/strict';
import { type Position, position } from '../../../../services/lib/kcl/position.ts';
import { Housekeeping } from '../../../../services/lib/state/housekeeping.ts';
import { MemoryTable, tableAway } from './memory.ts';
import { shardOf } from './rig.ts';
import { TallyRig } from './tally-rig.ts';

const cut = 2n ** 127n;
const shards = [
  shardOf('root'),
  shardOf('left', ['root'], { start: 0n, end: cut - 1n }),
  shardOf('right', ['root'], { start: cut, end: 2n ** 128n - 1n }),
  shardOf('merged', ['left', 'right']),
];
const at = (i: number): Position => position(String(i));
const never = new AbortController().signal;

/** An owner of the shard; `snapshots`: so many of its own, each at another position. */
async function owner(rig: TallyRig, shardId: string, snapshots = 0) {
  const process = await rig.begin(shardId);
  for (let i = 0; i < snapshots; i++) {
    rig.put(shardId, 1);
    await process.deliver();
    await process.stop();
  }
  return process;
}

/** As the shard's owner of now would do it, on its own. */
async function keepHouse(rig: TallyRig, shardId: string): Promise<Housekeeping> {
  const table = new MemoryTable(rig.rows, 'worker-1', (...of) => rig.onStep(...of));
  const fence = table.fenceOf(shardId, rig.rows.row(shardId)?.epoch ?? 0);
  const { stream, log, metrics } = rig;
  const housekeeping = new Housekeeping({ fence, table, objects: rig.objects(), stream, now: () => rig.now, log, metrics });
  housekeeping.begin();
  await housekeeping.settled();
  return housekeeping;
}

/** Part of a snapshot that nothing points at, of an owner that died or was passed while it wrote. */
const orphan = (rig: TallyRig, shardId: string, epoch: number) =>
  rig.objects().write(shardId, { epoch, position: at(999), generation: 1 }, { meta: 'complete', frames: [] }, never);

const keysOf = (rig: TallyRig, shardId: string): string[] => rig.keys(`state/app/stream@1790000000/${shardId}/`);
const isRetired = (rig: TallyRig, shardId: string): boolean => rig.rows.row(shardId)?.retired === true;

describe('housekeeping', () => {
  it('sweeps what earlier owners left, but nothing that the row points at, of the owner of now, or of another shard', async () => {
    const rig = new TallyRig([shardOf('shard'), shardOf('other')]);
    await owner(rig, 'shard', 2);
    await owner(rig, 'shard');
    await orphan(rig, 'shard', 1);
    await orphan(rig, 'shard', 2);
    await orphan(rig, 'other', 1);
    const [kept, before] = [rig.keys().filter((key) => !key.includes('/0000000001/') || !key.includes(at(999))), rig.keys().length];
    await keepHouse(rig, 'shard');
    assert.deepEqual(rig.keys(), [...kept, ...keysOf(rig, 'other')].sort());
    assert.deepEqual([before - rig.keys().length, rig.counter('snapshot_orphans_swept')], [1, 1]);
  });

  it('sweeps nothing once another owner has followed', async () => {
    const rig = new TallyRig();
    await owner(rig, 'shard', 2);
    await orphan(rig, 'shard', 1);
    const before = rig.keys();
    rig.rows.items.set('shard', { ...rig.rows.items.get('shard'), epoch: { N: '2' } });
    rig.onStep = (call, when) => {
      if (call === 'objects.list' && when === 'after') rig.rows.items.set('shard', { ...rig.rows.items.get('shard'), epoch: { N: '3' } });
    };
    await keepHouse(rig, 'shard');
    assert.deepEqual(rig.keys(), before);
  });

  it('sweeps every ten minutes, not after each snapshot', async () => {
    const rig = new TallyRig();
    await owner(rig, 'shard', 1);
    await owner(rig, 'shard');
    const housekeeping = await keepHouse(rig, 'shard');
    let lists = 0;
    rig.onStep = (call, when) => {
      if (call === 'objects.list' && when === 'before') lists++;
    };
    for (const [pause, expected] of [
      [599_999, 0],
      [1, 1],
      [1, 1],
    ] as const) {
      rig.now += pause;
      housekeeping.begin();
      await housekeeping.settled();
      assert.equal(lists, expected);
    }
  });

  it('removes a final and the snapshot before it once each child has two snapshots of its own, not before', async () => {
    const rig = new TallyRig(shards);
    await (await owner(rig, 'root', 2)).end();
    const left = await owner(rig, 'left', 2);
    await keepHouse(rig, 'left');
    assert.ok(!isRetired(rig, 'root'), 'right has not begun');
    await owner(rig, 'right', 1);
    await keepHouse(rig, 'right');
    await keepHouse(rig, 'left');
    assert.ok(!isRetired(rig, 'root'), 'right has one only');
    assert.equal(keysOf(rig, 'root').length, 2);
    await owner(rig, 'right', 1);
    await keepHouse(rig, 'left');
    assert.ok(isRetired(rig, 'root'));
    assert.deepEqual(keysOf(rig, 'root'), []);
    assert.equal(left.left, 0);
  });

  it('marks a final as gone before it deletes it', async () => {
    const rig = new TallyRig(shards.slice(0, 2));
    await (await owner(rig, 'root', 1)).end();
    await owner(rig, 'left', 2);
    let deleted = 0;
    rig.onStep = (call) => {
      if (call !== 'objects.delete') return;
      deleted++;
      assert.ok(isRetired(rig, 'root'));
    };
    await keepHouse(rig, 'left');
    assert.ok(deleted > 0);
  });

  it('walks on to what ancestors left that ended before', async () => {
    const rig = new TallyRig(shards);
    await (await owner(rig, 'root', 2)).end();
    // The children end before root's final is let go.
    for (const shardId of ['left', 'right']) await (await owner(rig, shardId, 2)).end();
    await owner(rig, 'merged', 1);
    await keepHouse(rig, 'merged');
    assert.deepEqual([isRetired(rig, 'left'), isRetired(rig, 'root')], [false, false]);
    await owner(rig, 'merged', 1);
    await keepHouse(rig, 'merged');
    assert.deepEqual([isRetired(rig, 'left'), isRetired(rig, 'right'), isRetired(rig, 'root')], [true, true, true]);
    assert.equal(rig.keys().length, keysOf(rig, 'merged').length);
  });

  it('finds what a grandparent left when the stream lists neither it nor its child any more', async () => {
    const rig = new TallyRig([shardOf('root'), shardOf('middle', ['root']), shardOf('leaf', ['middle'])]);
    await (await owner(rig, 'root', 2)).end();
    await (await owner(rig, 'middle')).end(); // too short-lived to stand on its own
    await owner(rig, 'leaf', 1);
    rig.stream.shards = rig.stream.shards.slice(2);
    await keepHouse(rig, 'leaf');
    assert.deepEqual([isRetired(rig, 'root'), keysOf(rig, 'root').length], [false, 2]);
    await owner(rig, 'leaf', 1);
    await keepHouse(rig, 'leaf');
    assert.deepEqual([isRetired(rig, 'middle'), isRetired(rig, 'root')], [true, true]);
    assert.deepEqual(rig.keys(), keysOf(rig, 'leaf'));
  });

  it('comes to an end where a shard is its own ancestor, and tells', async () => {
    const rig = new TallyRig([shardOf('a', ['b']), shardOf('b', ['a']), shardOf('leaf', ['a'])]);
    for (const shardId of ['a', 'b']) {
      rig.stream.shards = [shardOf(shardId)];
      await (await owner(rig, shardId, 2)).end();
    }
    rig.stream.shards = [shardOf('leaf')];
    await owner(rig, 'leaf', 2);
    rig.stream.shards = [shardOf('a', ['b']), shardOf('b', ['a']), shardOf('leaf', ['a'])];
    await keepHouse(rig, 'leaf');
    assert.deepEqual([isRetired(rig, 'a'), isRetired(rig, 'b')], [true, true]);
    assert.deepEqual([rig.counter('lineage_unsound'), rig.events('lineage.unsound').length], [1, 1]);
  });

  it('passes a common ancestor of two parents once, which is no fault', async () => {
    const rig = new TallyRig(shards);
    await (await owner(rig, 'root', 2)).end();
    for (const shardId of ['left', 'right']) await (await owner(rig, shardId, 2)).end();
    await owner(rig, 'merged', 2);
    let looks = 0;
    rig.onStep = (call, when, about) => {
      if (call === 'objects.list' && when === 'before' && about.includes('/root/')) looks++;
    };
    await keepHouse(rig, 'merged');
    assert.deepEqual([looks, rig.counter('lineage_unsound')], [1, 0]);
  });

  it('keeps a parent that has not ended: it is not a final that its children stand on', async () => {
    const rig = new TallyRig(shards.slice(0, 2));
    await owner(rig, 'root', 2);
    await owner(rig, 'left', 2);
    await keepHouse(rig, 'left');
    assert.deepEqual([isRetired(rig, 'root'), keysOf(rig, 'root').length], [false, 2]);
    assert.deepEqual(rig.events('state.housekeeping'), [], 'nor was it tried');
  });

  it('asks no more once nothing of any ancestor is left', async () => {
    const rig = new TallyRig(shards.slice(0, 2));
    await (await owner(rig, 'root', 1)).end();
    await owner(rig, 'left', 2);
    const housekeeping = await keepHouse(rig, 'left');
    rig.onStep = (call) => assert.fail(`asked again: ${call}`);
    housekeeping.begin();
    await housekeeping.settled();
    assert.deepEqual(rig.events('state.housekeeping'), []);
  });

  it('never fails its shard: what does not work is logged and tried again', async () => {
    const rig = new TallyRig(shards.slice(0, 2));
    await (await owner(rig, 'root', 1)).end();
    await owner(rig, 'left', 2);
    rig.onStep = (call) => {
      if (call === 'table.read') throw tableAway();
    };
    const housekeeping = await keepHouse(rig, 'left');
    assert.equal(rig.events('state.housekeeping').length, 1);
    rig.onStep = () => {};
    housekeeping.begin();
    await housekeeping.settled();
    assert.ok(isRetired(rig, 'root'));
  });
});
