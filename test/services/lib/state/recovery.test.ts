import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { position, shardEnd, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { hashKeyOf, inRange } from '../../../../services/lib/kcl/shards.ts';
import { objectsAway, tableAway } from './memory.ts';
import { shardOf } from './rig.ts';
import { TallyRig, until } from './tally-rig.ts';

const cut = 2n ** 127n;
const left = { start: 0n, end: cut - 1n };
const right = { start: cut, end: 2n ** 128n - 1n };
const shards = [shardOf('root'), shardOf('left', ['root'], left), shardOf('right', ['root'], right), shardOf('merged', ['left', 'right'])];

/** Delivers in batches with a snapshot after each, then ends the shard. */
async function run(rig: TallyRig, shardId: string, ...batches: number[]): Promise<void> {
  const process = await rig.begin(shardId);
  for (const count of batches) {
    await process.deliver(count);
    await process.stop();
  }
  await process.end();
}

/** A family whose root has ended, two snapshots before its final. */
async function family(): Promise<{ rig: TallyRig; ofRoot: string[] }> {
  const rig = new TallyRig(shards);
  const ofRoot = rig.put('root', 20);
  await run(rig, 'root', 8, 6, 6);
  rig.stream.reads.length = 0;
  return { rig, ofRoot };
}

/** Of each start, as the log says it. */
const origins = (rig: TallyRig): string[] => rig.events('state.loaded').map((line) => (JSON.parse(line) as { from: string }).from);

const keyOfText = (text: string): string => `user-${Number(text.split('-')[1]) % 5}`;
const within = (texts: readonly string[], range: typeof left) => texts.filter((text) => inRange(hashKeyOf(keyOfText(text)), range));

/** What a shard that begins now knows before its first record, as it saves it at once. */
async function stateAtStart(rig: TallyRig, shardId: string): Promise<string[]> {
  const process = await rig.begin(shardId);
  await process.stop();
  return rig.texts(shardId);
}

describe('the recovery of a state', () => {
  it('takes the newest snapshot, and reads nothing of the stream that is delivered again', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 9);
    const first = await rig.begin('shard');
    await first.deliver(6);
    await first.stop();
    const next = await rig.begin('shard');
    await next.deliver();
    await next.stop();
    assert.deepEqual(await rig.texts('shard'), texts);
    assert.deepEqual([rig.stream.reads, rig.again], [[], 0]);
  });

  it('goes on from the one before when the newest cannot be used, and writes another at once', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 12);
    const first = await rig.begin('shard');
    for (const count of [3, 3, 3]) {
      await first.deliver(count);
      await first.stop();
    }
    const before = rig.ref('shard', 'previous');
    rig.spoil('shard');
    const next = await rig.begin('shard');
    assert.equal(rig.counter('snapshots_unusable'), 1);
    await until(() => rig.ref('shard').epoch === 2);
    assert.equal(origins(rig).at(-1), 'the snapshot before the newest');
    assert.deepEqual(rig.ref('shard', 'previous'), before);
    await next.deliver();
    await next.stop();
    assert.deepEqual(await rig.texts('shard'), texts);
    assert.deepEqual([...rig.settled], texts);
    assert.equal(rig.keys().length, 2, 'the bad one is gone');
  });

  it('rebuilds from the stream when neither can be used, and tells', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 9);
    const first = await rig.begin('shard');
    for (const count of [3, 3]) {
      await first.deliver(count);
      await first.stop();
    }
    rig.spoil('shard', 'current');
    rig.spoil('shard', 'previous');
    const next = await rig.begin('shard');
    assert.deepEqual([rig.counter('state_rebuilt'), rig.counter('snapshots_unusable'), rig.events('state.lost').length], [1, 2, 1]);
    assert.equal(rig.counter('state_incomplete'), 0);
    await next.deliver();
    await next.stop();
    assert.deepEqual(await rig.texts('shard'), texts);
    assert.equal(rig.ref('shard', 'previous').epoch, 2, 'never one that could not be loaded');
  });

  it('reads what lies between its snapshot and the checkpoint from the stream, and what follows from it comes out', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 9);
    const first = await rig.begin('shard');
    await first.deliver(4);
    await first.stop();
    // A checkpoint beyond the snapshot: the pointer was lost since.
    rig.checkpoints.set('shard', position('102', 1));
    const next = await rig.begin('shard');
    assert.deepEqual(rig.stream.reads, [{ shardId: 'shard', after: position('101', 0), upTo: position('102', 1) }]);
    assert.deepEqual([...rig.settled], texts.slice(0, 8));
    await next.deliver();
    await next.stop();
    assert.deepEqual([await rig.texts('shard'), rig.again], [texts, 0]);
  });

  it('says so, and marks what it raises, when a part of that is older than the retention', async () => {
    const rig = new TallyRig();
    const texts = rig.put('shard', 9);
    const first = await rig.begin('shard');
    await first.deliver(3);
    await first.stop();
    rig.stream.trimmed.set('shard', position('101', 1));
    rig.checkpoints.set('shard', position('102', 1));
    const next = await rig.begin('shard');
    assert.deepEqual([rig.counter('state_incomplete'), rig.events('state.incomplete').length], [1, 1]);
    await next.stop();
    const { entries, incomplete } = await rig.tally('shard');
    assert.deepEqual([entries.map(({ text }) => text), incomplete], [[...texts.slice(0, 3), ...texts.slice(5, 8)], true]);
  });

  it('marks what a shard without a past raises when the stream may have lost its beginning', async () => {
    const rig = new TallyRig();
    rig.stream.untrimmed = false;
    const process = await rig.begin('shard');
    await process.stop();
    assert.equal((await rig.tally('shard')).incomplete, true);
    assert.equal(rig.counter('state_incomplete'), 1);
  });

  it('marks what it raises when it was saved before its first record, and that may have gone since', async () => {
    const rig = new TallyRig();
    await (await rig.begin('shard')).stop(); // nothing was delivered yet
    assert.equal(rig.rows.row('shard')?.current?.position, trimHorizon);
    rig.stream.untrimmed = false;
    await (await rig.begin('shard')).stop();
    assert.equal(rig.counter('state_incomplete'), 1);
  });

  describe('of an owner that another has followed', () => {
    /** Once `reached`, the next owner's epoch is taken, and `then` happens. */
    function follow(rig: TallyRig, reached: { call: string; when: 'before' | 'after' }, then: () => void = () => {}): void {
      rig.onStep = (call, when) => {
        if (call !== reached.call || when !== reached.when) return;
        rig.onStep = () => {};
        rig.rows.items.set('shard', { ...rig.rows.items.get('shard'), epoch: { N: '9' } });
        then();
      };
    }

    /** No word of damage or loss. */
    function assertSilent(rig: TallyRig): void {
      const names = rig.metrics.drain().counters.map(({ name }) => name);
      const alarms = ['snapshots_unusable', 'state_rebuilt', 'state_incomplete', 'final_missing'].filter((name) => names.includes(name));
      assert.deepEqual([alarms, names.includes('fenced')], [[], true]);
      assert.ok(!rig.logged.some((line) => line.includes('"level":"error"')));
    }

    async function withSnapshots(): Promise<TallyRig> {
      const rig = new TallyRig();
      rig.put('shard', 9);
      const first = await rig.begin('shard');
      for (const count of [3, 3]) {
        await first.deliver(count);
        await first.stop();
      }
      return rig;
    }

    it('is no alarm: its snapshots went because the next owner has others', async () => {
      const rig = await withSnapshots();
      follow(rig, { call: 'objects.read', when: 'before' }, () => rig.bodies.clear());
      await rig.begin('shard');
      assertSilent(rig);
    });

    it('is no alarm: what it still wants to read grew too old since', async () => {
      const rig = await withSnapshots();
      rig.checkpoints.set('shard', position('102', 1));
      follow(rig, { call: 'table.write', when: 'after' }, () => rig.stream.trimmed.set('shard', position('102', 2)));
      await rig.begin('shard');
      assertSilent(rig);
    });

    it('is no alarm: the beginning of the shard grew too old since', async () => {
      const rig = new TallyRig();
      rig.stream.untrimmed = false;
      follow(rig, { call: 'stream.listShards', when: 'after' });
      await rig.begin('shard');
      assertSilent(rig);
    });
  });

  describe('of a child', () => {
    it('takes of its parent’s final the keys in its range, and reads nothing', async () => {
      const { rig, ofRoot } = await family();
      assert.deepEqual(await stateAtStart(rig, 'left'), within(ofRoot, left));
      assert.deepEqual(await stateAtStart(rig, 'right'), within(ofRoot, right));
      assert.ok(within(ofRoot, left).length > 0 && within(ofRoot, right).length > 0);
      assert.deepEqual([rig.stream.reads, rig.counter('final_missing')], [[], 0]);
    });

    it('takes of both parents’ finals when they were merged', async () => {
      const { rig, ofRoot } = await family();
      for (const shardId of ['left', 'right']) await run(rig, shardId, 0);
      assert.deepEqual((await stateAtStart(rig, 'merged')).toSorted(), ofRoot.toSorted());
    });

    const damages: Record<string, (rig: TallyRig) => void> = {
      'is missing': (rig) => void rig.bodies.delete(rig.keyOf('root')),
      'is no gzip': (rig) => rig.spoil('root'),
      'has a sound head, but not what follows': (rig) => {
        const content = gunzipSync(rig.bodies.get(rig.keyOf('root')) ?? '');
        content[content.length - 5] = 0x21;
        rig.bodies.set(rig.keyOf('root'), gzipSync(content));
      },
    };
    for (const [what, damage] of Object.entries(damages)) {
      it(`goes on from the snapshot before its parent’s final when that ${what}: the same state, and nothing is raised`, async () => {
        const { rig, ofRoot } = await family();
        const [again, before] = [rig.again, rig.ref('root', 'previous').position];
        damage(rig);
        assert.deepEqual(await stateAtStart(rig, 'left'), within(ofRoot, left));
        assert.deepEqual(rig.stream.reads, [{ shardId: 'root', after: before, upTo: 'end' }]);
        assert.deepEqual([rig.again, rig.settled.size], [again, ofRoot.length]);
        const { counters } = rig.metrics.drain();
        const alarms = counters.filter(({ name }) => ['snapshots_unusable', 'final_missing'].includes(name));
        assert.deepEqual(
          alarms.map(({ name, value }) => [name, value]),
          [['snapshots_unusable', 1]],
        );
        assert.equal((await rig.tally('left')).incomplete, false);
      });
    }

    it('rebuilds a parent of which nothing is usable, from its own parents’ finals and its first record on', async () => {
      const { rig, ofRoot } = await family();
      const ofLeft = rig.put('left', 8);
      await run(rig, 'left', 4, 4);
      await run(rig, 'right', 0);
      rig.spoil('left', 'current');
      rig.spoil('left', 'previous');
      const texts = await stateAtStart(rig, 'merged');
      assert.deepEqual(rig.stream.reads, [{ shardId: 'left', after: trimHorizon, upTo: 'end' }]);
      assert.deepEqual(texts.toSorted(), [...ofRoot, ...ofLeft].toSorted());
    });

    it('rebuilds two parents one after the other, and their common parent once', async () => {
      const { rig, ofRoot } = await family();
      const own = [rig.put('left', 9), rig.put('right', 9)].flat();
      for (const shardId of ['left', 'right']) await run(rig, shardId, 3, 6);
      for (const shardId of ['root', 'left', 'right'] as const)
        for (const which of ['current', 'previous'] as const) rig.spoil(shardId, which);
      assert.deepEqual((await stateAtStart(rig, 'merged')).toSorted(), [...ofRoot, ...own].toSorted());
      assert.deepEqual(
        rig.stream.reads.map(({ shardId }) => shardId),
        ['root', 'left', 'right'],
      );
    });

    it('passes over, in a rebuild, what its parent skipped or could not apply', async () => {
      const rig = new TallyRig(shards);
      rig.put('root', 4);
      rig.put('root', 1, 'throw-');
      rig.put('root', 4);
      await run(rig, 'root', 9);
      const expected = await rig.texts('root');
      assert.equal(expected.length, 8);
      rig.rows.items.set('root', {
        ...rig.rows.items.get('root'),
        skips: { S: JSON.stringify([{ position: position('100', 1), since: 1 }]) },
      });
      for (const which of ['current', 'previous'] as const) rig.spoil('root', which);
      assert.deepEqual(await stateAtStart(rig, 'left'), within(expected.toSpliced(1, 1), left));
      assert.deepEqual(await stateAtStart(rig, 'right'), within(expected.toSpliced(1, 1), right));
    });

    it('alarms when its parent’s final is not there at all', async () => {
      const { rig, ofRoot } = await family();
      rig.rows.items.delete('root');
      assert.deepEqual(await stateAtStart(rig, 'left'), within(ofRoot, left));
      assert.deepEqual([rig.counter('final_missing'), rig.events('final.missing').length], [1, 1]);
    });

    it('is fenced without an alarm when a newer owner has made its parent’s final needless', async () => {
      const { rig } = await family();
      rig.onStep = (call, when, about) => {
        if (call !== 'table.read' || when !== 'before' || about !== 'root') return;
        rig.rows.items.set('root', { ...rig.rows.items.get('root'), retired: { BOOL: true } });
        rig.rows.items.set('left', { ...rig.rows.items.get('left'), epoch: { N: '2' } });
      };
      await rig.begin('left');
      assert.deepEqual([rig.counter('final_missing'), rig.counter('fenced')], [0, 1]);
      assert.deepEqual([rig.events('final.missing'), rig.stream.reads], [[], []]);
    });

    it('marks what it raises when a parent is not listed any more and left nothing', async () => {
      const { rig } = await family();
      rig.rows.items.delete('root');
      rig.stream.shards = shards.slice(1);
      const process = await rig.begin('left');
      await process.stop();
      assert.deepEqual(await rig.tally('left'), { entries: [], incomplete: true });
      assert.equal(rig.counter('state_incomplete'), 1);
    });

    it('marks what it raises when its first records may be older than the retention: its parent ended so long ago that it is not listed', async () => {
      const { rig } = await family();
      rig.stream.untrimmed = false;
      await stateAtStart(rig, 'left');
      assert.equal((await rig.tally('left')).incomplete, false);
      rig.stream.shards = shards.slice(1);
      await stateAtStart(rig, 'right');
      assert.equal((await rig.tally('right')).incomplete, true);
    });

    it('marks what it raises when its parent must be rebuilt and is trimmed', async () => {
      const { rig, ofRoot } = await family();
      rig.stream.trimmed.set('root', position('103', 2));
      for (const which of ['current', 'previous'] as const) rig.spoil('root', which);
      rig.stream.untrimmed = false;
      const texts = await stateAtStart(rig, 'left');
      assert.deepEqual(texts, within(ofRoot.slice(12), left));
      assert.equal((await rig.tally('left')).incomplete, true);
    });

    it('waits for a store that is away, rather than rebuild', async () => {
      const { rig, ofRoot } = await family();
      let failures = 30;
      rig.onStep = (call) => {
        if (failures-- > 0) throw call.startsWith('table') ? tableAway() : objectsAway();
      };
      assert.deepEqual(await stateAtStart(rig, 'left'), within(ofRoot, left));
      assert.deepEqual([rig.stream.reads, rig.counter('snapshots_unusable')], [[], 0]);
    });
  });

  it('tells what each state came from', async () => {
    const { rig } = await family();
    await run(rig, 'left', 0, 0);
    rig.put('right', 4);
    await run(rig, 'right', 2, 2);
    rig.spoil('right');
    await stateAtStart(rig, 'merged');
    await stateAtStart(rig, 'merged');
    rig.bodies.set(rig.keyOf('merged'), Buffer.from('something else'));
    for (const shardId of ['left', 'right']) rig.rows.items.delete(shardId);
    await stateAtStart(rig, 'merged');
    assert.deepEqual(origins(rig), [
      'the stream', // root
      'the last states of its parents',
      'the last states of its parents',
      'the last states of its parents',
      'the newest snapshot',
      'the stream',
    ]);
  });

  it('rejects when the stream does not list its shard', async () => {
    const rig = new TallyRig([]);
    await assert.rejects(rig.begin('shard'), { code: 'STREAM_UNAVAILABLE', retriable: true });
  });

  it('finds that its shard has ended, whoever else tries', async () => {
    const { rig } = await family();
    assert.equal(rig.ref('root').position, shardEnd);
    const process = await rig.begin('root', 'worker-2');
    await process.deliver(0);
    assert.equal(rig.rows.row('root')?.epoch, 2);
  });
});
