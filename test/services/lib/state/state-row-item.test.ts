import assert from 'node:assert/strict';
import { position, shardEnd } from '../../../../services/lib/kcl/position.ts';
import type { SnapshotRef } from '../../../../services/lib/state/state-row.ts';
import { changeOf, type Item, rowOf } from '../../../../services/lib/state/state-row-item.ts';

const at = (i: number) => position(String(i));
const ref: SnapshotRef = { epoch: 3, position: at(1_200), generation: 2, parts: 1, bytes: 512, writtenAt: 1_790_000_000_000 };
const key = { scope: { S: 'app#stream@1790000000' }, shard: { S: 'shardId-000000000000' } };
const text = (value: unknown) => ({ S: JSON.stringify(value) });

/** As the first build that kept state wrote them: a later one must read them. */
const samples: Item = {
  ...key,
  epoch: { N: '4' },
  worker: { S: 'worker-1' },
  current: {
    S: '{"epoch":4,"position":"SHARD_END","generation":2,"parts":3,"bytes":1048576,"writtenAt":1790000015000}',
  },
  previous: {
    S: `{"epoch":3,"position":"${'0'.repeat(125)}1200.0000000000","generation":2,"parts":1,"bytes":512,"writtenAt":1790000000000}`,
  },
  final: { BOOL: true },
  attempt: {
    S: `{"checkpoint":"${'0'.repeat(126)}900.0000000000","starts":3,"suspect":{"from":"${'0'.repeat(126)}901.0000000002","to":"${'0'.repeat(126)}964.0000000000"},"deaths":1,"trying":{"from":"${'0'.repeat(126)}905.0000000000","to":"${'0'.repeat(126)}905.0000000000"}}`,
  },
  skips: { S: `[{"position":"${'0'.repeat(126)}700.0000000009","since":1789999000000}]` },
  retired: { BOOL: true },
};

describe('a state row', () => {
  it('is read from the items of older builds', () => {
    assert.deepEqual(rowOf(samples), {
      epoch: 4,
      worker: 'worker-1',
      current: { epoch: 4, position: shardEnd, generation: 2, parts: 3, bytes: 1_048_576, writtenAt: 1_790_000_015_000 },
      previous: ref,
      final: true,
      attempt: {
        checkpoint: at(900),
        starts: 3,
        suspect: { from: position('901', 2), to: at(964) },
        deaths: 1,
        trying: { from: at(905), to: at(905) },
      },
      skips: [{ position: position('700', 9), since: 1_789_999_000_000 }],
      retired: true,
    });
  });

  it('knows the shard’s parents where a build noted them', () => {
    const { names, values } = changeOf({ parents: ['shardId-1', 'shardId-2'] });
    assert.deepEqual(
      [names, rowOf({ ...samples, parents: values[':parents'] ?? assert.fail() }).parents],
      [{ '#parents': 'parents' }, ['shardId-1', 'shardId-2']],
    );
  });

  it('of a shard that only has an epoch yet holds nothing else', () => {
    assert.deepEqual(rowOf({ ...key, epoch: { N: '1' }, worker: { S: 'w' } }), {
      epoch: 1,
      worker: 'w',
      current: undefined,
      previous: undefined,
      final: false,
      attempt: undefined,
      skips: [],
      retired: false,
    });
  });

  it('passes over what a newer build adds, attributes and fields', () => {
    const newer = { ...key, epoch: { N: '1' }, worker: { S: 'w' }, colour: { S: 'blue' }, current: text({ ...ref, codec: 'zstd' }) };
    assert.deepEqual(rowOf(newer).current, ref);
  });

  it('is refused when what it says of a snapshot, an attempt or a skipped record cannot be', () => {
    const broken: Item[] = [
      { current: { S: 'not json' } },
      { current: text({ ...ref, position: 'TRIM_HORIZON' }) },
      { current: text({ ...ref, position: undefined }) },
      { previous: text({ ...ref, parts: 0 }) },
      { previous: text({ ...ref, epoch: 1.5 }) },
      { current: text({ ...ref, generation: -1 }) },
      { attempt: text({ checkpoint: at(1), starts: 1 }) },
      { attempt: text({ checkpoint: at(1), starts: 1, deaths: 0, trying: { from: at(2) } }) },
      { skips: text([{ since: 1 }]) },
      { skips: text({}) },
    ];
    for (const item of broken) assert.throws(() => rowOf({ ...key, ...item }), { code: 'PROTOCOL' }, JSON.stringify(item));
  });

  it('comes back as it was written', () => {
    const change = { current: ref, attempt: { checkpoint: at(5), starts: 2, deaths: 0 }, skips: [{ position: at(7), since: 8 }] };
    const { values } = changeOf({ ...change, final: true });
    const item = Object.fromEntries(Object.entries(values).map(([name, value]) => [name.slice(1), value]));
    const row = rowOf({ ...key, ...item });
    assert.deepEqual({ current: row.current, attempt: row.attempt, skips: row.skips, final: row.final }, { ...change, final: true });
  });

  it('changes only in what the change names: null removes, what is left out stays', () => {
    const { update, names, values } = changeOf({ current: ref, previous: null, attempt: null });
    assert.equal(update, 'SET #current = :current REMOVE #previous, #attempt');
    assert.deepEqual(names, { '#current': 'current', '#previous': 'previous', '#attempt': 'attempt' });
    assert.deepEqual(values, { ':current': text(ref) });
    assert.equal(changeOf({ attempt: null }).update, 'REMOVE #attempt');
  });
});
