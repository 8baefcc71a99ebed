import assert from 'node:assert/strict';
import { CreateStreamCommand, MergeShardsCommand, SplitShardCommand } from '@aws-sdk/client-kinesis';
import { awsError, Rig, textOf } from './rig.ts';

const idOf = (n: number): string => `shardId-${String(n).padStart(12, '0')}`;
const lastHashKey = 2n ** 128n - 1n;

describe('local Kinesis: SplitShard and MergeShards', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start({ limits: false });
    await rig.create('s', 2);
  });
  afterEach(() => rig.stop());

  const split = (shard: number, hashKey: bigint | string) =>
    rig.client.send(new SplitShardCommand({ StreamName: 's', ShardToSplit: idOf(shard), NewStartingHashKey: String(hashKey) }));
  const merge = (left: number, right: number) =>
    rig.client.send(new MergeShardsCommand({ StreamName: 's', ShardToMerge: idOf(left), AdjacentShardToMerge: idOf(right) }));
  const list = async () =>
    (await rig.shards('s')).map(({ ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange, SequenceNumberRange }) => ({
      id: Number(ShardId?.slice(-12)),
      parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined).map((id) => Number(id.slice(-12))),
      range: [BigInt(HashKeyRange?.StartingHashKey ?? -1), BigInt(HashKeyRange?.EndingHashKey ?? -1)],
      open: SequenceNumberRange?.EndingSequenceNumber === undefined,
    }));

  it('splits a shard at any hash key: its children tile it, and take its records from then on', async () => {
    await rig.put('s', [{ key: 'k', data: 'before', hashKey: '7' }]);
    await split(0, 5n);
    assert.deepEqual(await list(), [
      { id: 0, parents: [], range: [0n, 2n ** 127n - 1n], open: false },
      { id: 1, parents: [], range: [2n ** 127n, lastHashKey], open: true },
      { id: 2, parents: [0], range: [0n, 4n], open: true },
      { id: 3, parents: [0], range: [5n, 2n ** 127n - 1n], open: true },
    ]);
    const { Records } = await rig.put(
      's',
      ['4', '5'].map((hashKey) => ({ key: 'k', data: hashKey, hashKey })),
    );
    assert.deepEqual(
      Records?.map(({ ShardId }) => ShardId),
      [idOf(2), idOf(3)],
    );
    assert.deepEqual((await rig.read('s', idOf(0))).map(textOf), ['before']);
  });

  it('merges neighbours: the child has both as parents, the lower one first, and takes their records', async () => {
    await merge(0, 1);
    assert.deepEqual(await list(), [
      { id: 0, parents: [], range: [0n, 2n ** 127n - 1n], open: false },
      { id: 1, parents: [], range: [2n ** 127n, lastHashKey], open: false },
      { id: 2, parents: [0, 1], range: [0n, lastHashKey], open: true },
    ]);
    await rig.put('s', [{ key: 'k', data: 'after', hashKey: '7' }]);
    assert.deepEqual((await rig.read('s', idOf(2))).map(textOf), ['after']);
    for (const parent of [0, 1]) {
      const { ChildShards } = await rig.get(await rig.iterator('s', idOf(parent)));
      assert.deepEqual(
        ChildShards?.map(({ ShardId, ParentShards }) => [ShardId, ParentShards]),
        [[idOf(2), [idOf(0), idOf(1)]]],
      );
    }
  });

  it('splits only between the second hash key of a shard and its last', async () => {
    for (const [shard, hashKey, start, end] of [
      [0, 0n, 0n, 2n ** 127n - 1n],
      [0, 1n, 0n, 2n ** 127n - 1n],
      [0, 2n ** 127n - 1n, 0n, 2n ** 127n - 1n],
      [0, 2n ** 127n, 0n, 2n ** 127n - 1n],
      [1, 2n ** 127n + 1n, 2n ** 127n, lastHashKey],
    ] as const) {
      const expected = `NewStartingHashKey ${hashKey} used in SplitShard() on shard ${idOf(shard)} in stream s under account 000000000000 is not both greater than one plus the shard's StartingHashKey ${start} and less than the shard's EndingHashKey ${end}.`;
      await assert.rejects(split(shard, hashKey), { name: 'InvalidArgumentException', message: expected });
    }
    await assert.rejects(split(0, 'half'), awsError('ValidationException', /'newStartingHashKey'.*pattern: 0\|\(\[1-9\]\\d\{0,38\}\)$/));
    assert.equal((await list()).length, 2);
    await split(0, 2n);
    await split(1, lastHashKey - 1n);
  });

  it('neither splits nor merges a closed shard', async () => {
    const closed = /^Shard shardId-000000000000 in stream s .*has already been merged or split, and thus is not eligible/;
    await split(0, 9n);
    await assert.rejects(split(0, 10n), awsError('InvalidArgumentException', closed));
    await assert.rejects(merge(0, 1), awsError('InvalidArgumentException', closed));
    assert.equal((await list()).length, 4);
    await split(1, 2n ** 127n + 9n);
    await assert.rejects(merge(3, 1), awsError('InvalidArgumentException', /^Shard shardId-000000000001 .*not eligible/));
  });

  it('merges only neighbours, the lower one named first', async () => {
    const apart = /^Shards shardId-\d+ and shardId-\d+ in stream s under account 000000000000 are not an adjacent pair/;
    await split(0, 9n);
    for (const [left, right] of [
      [1, 3],
      [2, 1],
      [2, 2],
    ] as const) {
      await assert.rejects(merge(left, right), awsError('InvalidArgumentException', apart), `${left}, ${right}`);
    }
    await merge(3, 1);
  });

  it('names shards and streams that there are not, and refuses an on-demand stream', async () => {
    await assert.rejects(split(9, 5n), awsError('ResourceNotFoundException', /^Could not find shard shardId-000000000009 in stream s/));
    await assert.rejects(merge(1, 2), awsError('ResourceNotFoundException', /shardId-000000000002/));
    await rig.client.send(new CreateStreamCommand({ StreamName: 'free', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }));
    const free = { StreamName: 'free', ShardToSplit: idOf(0), NewStartingHashKey: '5' };
    await assert.rejects(rig.client.send(new SplitShardCommand(free)), awsError('ValidationException', /On-Demand/));
  });
});
