import assert from 'node:assert/strict';
import { type _Record, CreateStreamCommand, type Shard, UpdateShardCountCommand } from '@aws-sdk/client-kinesis';
import { awsError, Rig, textOf } from './rig.ts';

describe('local Kinesis: UpdateShardCount', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start({ limits: false });
  });
  afterEach(() => rig.stop());

  const update = (name: string, target: number) =>
    rig.client.send(new UpdateShardCountCommand({ StreamName: name, TargetShardCount: target, ScalingType: 'UNIFORM_SCALING' }));
  const rangeOf = ({ HashKeyRange: range }: Shard): [bigint, bigint] => [
    BigInt(range?.StartingHashKey ?? -1),
    BigInt(range?.EndingHashKey ?? -1),
  ];
  const parentsOf = ({ ParentShardId, AdjacentParentShardId }: Shard) => [ParentShardId, AdjacentParentShardId].filter(Boolean);
  const isOpen = ({ SequenceNumberRange: range }: Shard) => range?.EndingSequenceNumber === undefined;

  function assertTiles(shards: readonly Shard[], count: number): void {
    const ranges = shards.map(rangeOf).sort((a, b) => (a[0] < b[0] ? -1 : 1));
    assert.deepEqual(
      ranges.map(([start]) => start),
      Array.from({ length: count }, (_, i) => (2n ** 128n * BigInt(i)) / BigInt(count)),
    );
    assert.deepEqual(
      ranges.map(([, end]) => end + 1n),
      [...ranges.slice(1).map(([start]) => start), 2n ** 128n],
    );
  }

  it('2 → 4 → 2: children tile their parents, begin beyond their end, and have at most two of them', async () => {
    await rig.create('s', 2);
    assert.deepEqual((({ CurrentShardCount, TargetShardCount }) => [CurrentShardCount, TargetShardCount])(await update('s', 4)), [2, 4]);
    assertTiles((await rig.shards('s')).filter(isOpen), 4);
    await update('s', 2);
    const shards = await rig.shards('s');
    assertTiles(shards.filter(isOpen), 2);
    const byId = new Map(shards.map((shard) => [shard.ShardId, shard]));
    assert.deepEqual(
      shards.map((shard) => parentsOf(shard).map((id) => Number(id?.slice(-12)))),
      [[], [], [0], [0], [1], [1], [2, 3], [4, 5]],
    );
    for (const shard of shards) {
      for (const id of parentsOf(shard)) {
        const end = byId.get(id)?.SequenceNumberRange?.EndingSequenceNumber;
        assert.ok(BigInt(shard.SequenceNumberRange?.StartingSequenceNumber ?? 0) > BigInt(end ?? Number.MAX_VALUE));
      }
    }
  });

  it('follows ChildShards from the first shards to the last: each record once, in order per key', async () => {
    await rig.create('s', 2);
    const keys = Array.from({ length: 40 }, (_, i) => `user-${i}`);
    let n = 0;
    const putRound = () =>
      rig.put(
        's',
        keys.map((key) => ({ key, data: String(n++) })),
      );
    for (const target of [4, 3, 2]) {
      await putRound();
      await putRound();
      await update('s', target);
    }
    await putRound();

    // As KCL does: a shard is read when all its parents have been read to their end.
    const found: _Record[] = [];
    const waiting = new Map<string, string[]>();
    const done = new Set<string>();
    const queue = ['shardId-000000000000', 'shardId-000000000001'];
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      let answer = await rig.get(await rig.iterator('s', id), 7);
      found.push(...(answer.Records ?? []));
      while (answer.NextShardIterator !== undefined && answer.MillisBehindLatest !== 0) {
        answer = await rig.get(answer.NextShardIterator, 7);
        found.push(...(answer.Records ?? []));
      }
      done.add(id);
      for (const child of answer.ChildShards ?? []) waiting.set(child.ShardId ?? '', child.ParentShards ?? []);
      for (const [child, parents] of waiting) {
        if (!parents.every((parent) => done.has(parent))) continue;
        waiting.delete(child);
        queue.push(child);
      }
    }
    assert.deepEqual(done, new Set((await rig.shards('s')).map(({ ShardId }) => ShardId)));
    assert.deepEqual(
      found.map((record) => Number(textOf(record))).sort((a, b) => a - b),
      [...Array(n).keys()],
    );
    for (const key of keys) {
      const ofKey = found.filter(({ PartitionKey }) => PartitionKey === key).map((record) => Number(textOf(record)));
      assert.deepEqual(
        ofKey,
        [...ofKey].sort((a, b) => a - b),
      );
    }
  });

  it('ends a closed shard: no next iterator and its children with their ranges, for an old LATEST too', async () => {
    await rig.create('s', 1);
    const [id, latest] = ['shardId-000000000000', await rig.iterator('s', 'shardId-000000000000', { ShardIteratorType: 'LATEST' })];
    await rig.put('s', [{ key: 'k', data: 'last' }]);
    await update('s', 2);
    for (const iterator of [latest, await rig.iterator('s', id)]) {
      const answer = await rig.get(iterator);
      assert.deepEqual([answer.Records?.map(textOf), answer.NextShardIterator, answer.MillisBehindLatest], [['last'], undefined, 0]);
      assert.deepEqual(answer.ChildShards, [
        {
          ShardId: 'shardId-000000000001',
          ParentShards: [id],
          HashKeyRange: { StartingHashKey: '0', EndingHashKey: (2n ** 127n - 1n).toString() },
        },
        {
          ShardId: 'shardId-000000000002',
          ParentShards: [id],
          HashKeyRange: { StartingHashKey: (2n ** 127n).toString(), EndingHashKey: (2n ** 128n - 1n).toString() },
        },
      ]);
    }
    const after = await rig.get(await rig.iterator('s', id, { ShardIteratorType: 'LATEST' }));
    assert.deepEqual([after.Records, after.NextShardIterator, after.ChildShards?.length], [[], undefined, 2]);
  });

  it('puts to the children alone from then on', async () => {
    await rig.create('s', 1);
    await update('s', 2);
    const { Records } = await rig.put('s', [
      { key: 'a', data: 'd', hashKey: '0' },
      { key: 'b', data: 'd', hashKey: (2n ** 128n - 1n).toString() },
    ]);
    assert.deepEqual(
      Records?.map(({ ShardId }) => ShardId),
      ['shardId-000000000001', 'shardId-000000000002'],
    );
  });

  it('leaves a stream that has its target as it is', async () => {
    await rig.create('s', 3);
    await update('s', 3);
    assert.equal((await rig.shards('s')).length, 3);
  });

  it('refuses more than double and less than half, an on-demand stream, and other scaling', async () => {
    await rig.create('s', 3);
    const counts = (target: number) => `Current open shard count: 3 Target shard count: ${target}$`;
    await assert.rejects(update('s', 7), awsError('LimitExceededException', new RegExp(`over double your .*${counts(7)}`)));
    await assert.rejects(update('s', 1), awsError('LimitExceededException', new RegExp(`below half your .*${counts(1)}`)));
    await assert.rejects(update('s', 10_001), awsError('LimitExceededException', /cannot be greater than 10000/));
    assert.equal((await rig.shards('s')).length, 3);
    await update('s', 2);
    await update('s', 1);
    await assert.rejects(update('nowhere', 1), awsError('ResourceNotFoundException'));
    const other = new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: 2, ScalingType: 'OTHER' as 'UNIFORM_SCALING' });
    await assert.rejects(rig.client.send(other), awsError('ValidationException', /UNIFORM_SCALING/));
    await rig.client.send(new CreateStreamCommand({ StreamName: 'free', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }));
    await assert.rejects(update('free', 8), awsError('ValidationException', /Stream free under account 000000000000 is in On-Demand mode/));
  });

  it('changes a stream ten times in any 24 hours, with limits on', async () => {
    const limited = await Rig.start();
    const alternate = (i: number) =>
      limited.client.send(new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: 1 + (i % 2), ScalingType: 'UNIFORM_SCALING' }));
    try {
      await limited.create('s', 2);
      await limited.create('other', 2);
      for (let i = 0; i < 10; i++) {
        await alternate(i);
        limited.pass(3_600_000);
      }
      await assert.rejects(alternate(10), awsError('LimitExceededException', /10 times within a rolling 24-hour period/));
      limited.pass(14 * 3_600_000 - 1);
      await assert.rejects(alternate(10), awsError('LimitExceededException'));
      limited.pass(1);
      await alternate(10);
      await assert.rejects(alternate(11), awsError('LimitExceededException'));
    } finally {
      await limited.stop();
    }
  });
});
