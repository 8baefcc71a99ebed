import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Position, position, shardEnd } from '../../../../services/lib/kcl/position.ts';
import { takeEpoch } from '../../../../services/lib/state/ownership.ts';
import { Snapshots } from '../../../../services/lib/state/snapshots.ts';
import type { SnapshotRef } from '../../../../services/lib/state/state-row.ts';
import { MemoryTable, objectsAway, tableAway } from './memory.ts';
import { Rig, shardOf, snapshotIntervalMs } from './rig.ts';
import { type Tally, TallyModel } from './tally-model.ts';

const shardId = 'shard';
const at = (i: number): Position => position(String(100 + i));
const stateOf = (...texts: string[]): Tally => ({ entries: texts.map((text) => ({ key: 'user', text })), incomplete: false });

/** An owner of the shard, who loaded `base` of what the row names. */
async function owner(rig = new Rig<Tally, string>([shardOf(shardId)], () => new TallyModel()), load: 'current' | 'previous' = 'current') {
  rig.rows.leases.set(shardId, 'worker');
  const table = new MemoryTable(rig.rows, 'worker', (...of) => rig.onStep(...of));
  const taken = await takeEpoch(table, shardId, rig.patience);
  assert.ok(taken !== 'notOwner');
  const snapshots = new Snapshots({
    ...taken,
    base: taken.row[load],
    model: new TallyModel(),
    table,
    objects: rig.objects(),
    intervalMs: snapshotIntervalMs,
    now: () => rig.now,
    log: rig.log,
    metrics: rig.metrics,
    patience: rig.patience,
  });
  const row = () => rig.rows.row(shardId);
  const positions = () => [row()?.current?.position, row()?.previous?.position];
  return { rig, snapshots, row, positions, taken };
}

const folderOf = ({ epoch, position: where, generation }: SnapshotRef): string =>
  `${String(epoch).padStart(10, '0')}/${where}/${generation}/`;

/** The objects are those that the row points at, and no others. */
function assertOnlyPointedAt(rig: Rig<Tally, string>): void {
  const row = rig.rows.row(shardId);
  const refs = [row?.current, row?.previous].filter((ref) => ref !== undefined);
  assert.deepEqual(
    rig.keys().map((key) => key.split('/').slice(4, 7).join('/')),
    refs.map((ref) => folderOf(ref).slice(0, -1)).sort(),
  );
}

describe('the snapshots of an owner', () => {
  it('begin when they are due and the state has moved on, one at a time', async () => {
    const { rig, snapshots, positions } = await owner();
    snapshots.begin(stateOf('a'), at(1));
    assert.ok(snapshots.idle, 'not due');
    rig.now += snapshotIntervalMs;
    let held: (() => void) | undefined;
    rig.onStep = (call, when) => {
      if (call === 'objects.create' && when === 'before') return new Promise<void>((resolve) => (held = resolve));
    };
    snapshots.begin(stateOf('a'), at(1));
    while (held === undefined) await new Promise(setImmediate);
    rig.now += 10 * snapshotIntervalMs;
    snapshots.begin(stateOf('a', 'b'), at(2));
    rig.onStep = () => {};
    held();
    await snapshots.settled();
    assert.deepEqual(positions(), [at(1), undefined], 'the second one did not begin');
    snapshots.begin(stateOf('a', 'b'), at(2));
    await snapshots.settled();
    assert.deepEqual(positions(), [at(2), at(1)]);
    rig.now += snapshotIntervalMs;
    snapshots.begin(stateOf('a', 'b'), at(2));
    assert.ok(snapshots.idle, 'nothing has changed');
  });

  it('hold the state as it was when they began, whatever is applied meanwhile', async () => {
    const { rig, snapshots, row } = await owner();
    const state = stateOf('a');
    snapshots.begin(state, at(1), true);
    state.entries.push({ key: 'user', text: 'b' });
    await snapshots.settled();
    const restored = await rig.objects().use(shardId, row()?.current as SnapshotRef, (saved) => new TallyModel().restore(saved));
    assert.deepEqual(restored, stateOf('a'));
  });

  it('let KCL go on from the one before the newest only', async () => {
    const { snapshots } = await owner();
    assert.equal(snapshots.checkpointable, undefined);
    await snapshots.save(stateOf('a'), at(1));
    assert.equal(snapshots.checkpointable, undefined, 'if this one is lost, nothing covers it');
    await snapshots.save(stateOf('a', 'b'), at(2));
    assert.equal(snapshots.checkpointable, at(1));
    const next = await owner((await owner()).rig);
    assert.equal(next.snapshots.checkpointable, undefined);
  });

  it('have as the one before what was loaded, never one that could not be', async () => {
    const first = await owner();
    for (const i of [1, 2]) await first.snapshots.save(stateOf(String(i)), at(i));
    const { snapshots, positions, row, rig } = await owner(first.rig, 'previous');
    assert.equal(snapshots.checkpointable, undefined, 'the newest was not usable: what it covers is not known');
    await snapshots.save(stateOf('3'), at(3));
    assert.deepEqual(positions(), [at(3), at(1)]);
    assert.deepEqual([row()?.current?.epoch, row()?.previous?.epoch], [2, 1]);
    assertOnlyPointedAt(rig);
  });

  it('have none before when nothing could be loaded', async () => {
    const first = await owner();
    for (const i of [1, 2]) await first.snapshots.save(stateOf(String(i)), at(i));
    first.rig.rows.items.set(shardId, { ...first.rig.rows.items.get(shardId) });
    const { snapshots, positions, rig, taken } = await owner(first.rig);
    const rebuilt = new Snapshots({
      ...taken,
      base: undefined,
      model: new TallyModel(),
      table: new MemoryTable(rig.rows, 'worker'),
      objects: rig.objects(),
      intervalMs: snapshotIntervalMs,
      now: () => rig.now,
      log: rig.log,
      metrics: rig.metrics,
      patience: rig.patience,
    });
    rebuilt.begin(stateOf('3'), at(2), true);
    await rebuilt.settled();
    assert.deepEqual(positions(), [at(2), undefined]);
    assert.equal(rebuilt.checkpointable, undefined);
    assertOnlyPointedAt(rig);
    assert.ok(snapshots.idle);
  });

  it('delete what was rotated out only after the row has let go of it', async () => {
    const { rig, snapshots } = await owner();
    const calls: string[] = [];
    rig.onStep = (call, when, about) => {
      if (when === 'after' && ['table.write', 'objects.delete'].includes(call)) calls.push(call);
      if (call !== 'objects.delete') return;
      const row = rig.rows.row(shardId);
      for (const ref of [row?.current, row?.previous]) assert.ok(ref === undefined || !about.includes(folderOf(ref)), about);
    };
    for (const i of [1, 2, 3]) await snapshots.save(stateOf(String(i)), at(i));
    assert.deepEqual(calls, ['table.write', 'table.write', 'table.write', 'objects.delete']);
    assertOnlyPointedAt(rig);
  });

  it('leave what cannot be deleted to be swept, and go on', async () => {
    const { rig, snapshots, positions } = await owner();
    rig.onStep = (call) => {
      if (call === 'objects.delete') throw new RangeError('no right to delete');
    };
    for (const i of [1, 2, 3]) await snapshots.save(stateOf(String(i)), at(i));
    assert.deepEqual([positions(), rig.keys().length, rig.events('snapshot.left').length], [[at(3), at(2)], 3, 1]);
  });

  it('wait for a store or a table that is away, without end', async () => {
    const { rig, snapshots, positions } = await owner();
    let failures = 0;
    rig.onStep = (call) => {
      if (failures++ < 20) throw call.startsWith('table') ? tableAway() : objectsAway();
    };
    assert.equal(await snapshots.save(stateOf('a'), at(1)), true);
    assert.deepEqual(positions(), [at(1), undefined]);
  });

  it('are not pointed at when they cannot be read right after they were written; the next try may succeed', async () => {
    const { rig, snapshots, positions } = await owner();
    await snapshots.save(stateOf('a'), at(1));
    rig.onStep = (call, when, key) => {
      if (call !== 'objects.create' || when !== 'after') return;
      const content = gunzipSync(rig.bodies.get(key) ?? '');
      rig.bodies.set(key, gzipSync(content.subarray(0, -1))); // its head is sound
    };
    assert.equal(await snapshots.save(stateOf('b'), at(2)), false, 'it says so');
    assert.deepEqual(positions(), [at(1), undefined]);
    assert.equal(rig.counter('snapshots_unusable'), 1);
    rig.onStep = () => {};
    assert.equal(await snapshots.save(stateOf('b'), at(2)), true);
    assert.deepEqual(positions(), [at(2), at(1)]);
    assertOnlyPointedAt(rig);
  });

  it('raise no alarm when they are gone because the next owner has swept them', async () => {
    const { rig, snapshots } = await owner();
    rig.onStep = (call, when) => {
      if (call !== 'objects.read' || when !== 'before') return;
      rig.rows.items.set(shardId, { ...rig.rows.items.get(shardId), epoch: { N: '9' } });
      rig.bodies.clear();
    };
    await assert.rejects(snapshots.save(stateOf('a'), at(1)), { code: 'LEASE_LOST' });
    assert.deepEqual([rig.counter('snapshots_unusable'), rig.events('snapshot.unreadable')], [0, []]);
  });

  it('reject a final that cannot be read, rather than let the shard end', async () => {
    const { rig, snapshots, row } = await owner();
    rig.onStep = (call, when, key) => {
      if (call === 'objects.create' && when === 'after') rig.bodies.set(key, Buffer.from('something else'));
    };
    await assert.rejects(snapshots.saveFinal(stateOf('a')), /unusable/);
    assert.deepEqual([row()?.final, row()?.current], [false, undefined]);
  });

  it('end with a final, marked in the row together with it', async () => {
    const { snapshots, positions, row } = await owner();
    await snapshots.save(stateOf('a'), at(1));
    await snapshots.saveFinal(stateOf('a'));
    assert.deepEqual([positions(), row()?.final], [[shardEnd, at(1)], true]);
  });

  it('clear the attempts, since the shard has come further', async () => {
    const { rig, snapshots, row, taken } = await owner();
    const attempt = { checkpoint: at(0), starts: 3, deaths: 1 };
    await new MemoryTable(rig.rows, 'worker').write(taken.fence, { attempt });
    assert.deepEqual(row()?.attempt, attempt);
    await snapshots.save(stateOf('a'), at(1));
    assert.equal(row()?.attempt, undefined);
  });

  it('are refused to a former owner, who is told at the next call, and whose objects nothing points at', async () => {
    const zombie = await owner();
    await zombie.snapshots.save(stateOf('a'), at(1));
    const next = await owner(zombie.rig);
    await assert.rejects(zombie.snapshots.save(stateOf('z'), at(9)), { code: 'LEASE_LOST' });
    assert.equal(zombie.rig.counter('fenced_writes_refused', { what: 'snapshot' }), 1);
    assert.deepEqual(next.positions(), [at(1), undefined]);
    assert.ok(zombie.rig.keys().some((key) => key.includes(at(9))));
    zombie.rig.now += snapshotIntervalMs;
    zombie.snapshots.begin(stateOf('z'), at(10));
    while (!zombie.snapshots.idle) await new Promise(setImmediate);
    assert.throws(() => zombie.snapshots.begin(stateOf('z'), at(11)), { code: 'LEASE_LOST' });
  });

  for (const call of ['objects.create', 'objects.read', 'table.write', 'objects.delete']) {
    it(`end at once when abandoned, though ${call} is never answered`, async () => {
      const { rig, snapshots } = await owner();
      for (const i of [1, 2]) await snapshots.save(stateOf(String(i)), at(i));
      let reached = (): void => {};
      const under = new Promise<void>((resolve) => (reached = resolve));
      rig.onStep = (step) => (step === call ? (reached(), new Promise<never>(() => {})) : undefined);
      rig.now += snapshotIntervalMs;
      snapshots.begin(stateOf('3'), at(3));
      await under;
      await snapshots.abandon();
      assert.ok(snapshots.idle);
    });
  }

  for (const call of ['objects.create', 'objects.read', 'table.write']) {
    it(`once abandoned leave the row alone, though ${call} was under way and failed`, async () => {
      const { rig, snapshots, positions } = await owner();
      await snapshots.save(stateOf('a'), at(1));
      let reached: (() => void) | undefined;
      const under = new Promise<void>((resolve) => (reached = resolve));
      rig.onStep = (step, when) => {
        if (step !== call || when !== 'before') return;
        reached?.();
        throw objectsAway();
      };
      rig.onPause = () => new Promise(setImmediate);
      rig.now += snapshotIntervalMs;
      snapshots.begin(stateOf('b'), at(2));
      await under;
      const abandoned = snapshots.abandon();
      rig.onStep = () => {};
      await abandoned;
      assert.deepEqual(positions(), [at(1), undefined]);
    });
  }
});
