import assert from 'node:assert/strict';
import {
  DescribeStreamSummaryCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import { type Context, textsOf } from '../context.ts';
import { assertTiles, endOf, hashKeys, idOf, inOrder, isOpen, startOf } from '../hash-keys.ts';
import type { TestStream } from '../session.ts';

const middle = hashKeys / 2n;

async function split(context: Context, stream: TestStream, shard: Shard, at: bigint): Promise<Shard[]> {
  const command = new SplitShardCommand({ StreamName: stream.name, ShardToSplit: idOf(shard), NewStartingHashKey: at.toString() });
  await context.send(command);
  await context.active(stream.name);
  return context.shards(stream);
}

async function merge(context: Context, stream: TestStream, left: Shard, right: Shard): Promise<Shard[]> {
  await context.send(new MergeShardsCommand({ StreamName: stream.name, ShardToMerge: idOf(left), AdjacentShardToMerge: idOf(right) }));
  await context.active(stream.name);
  return context.shards(stream);
}

async function scale(context: Context, stream: TestStream, target: number): Promise<Shard[]> {
  const command = new UpdateShardCountCommand({ StreamName: stream.name, TargetShardCount: target, ScalingType: 'UNIFORM_SCALING' });
  await context.send(command);
  await context.active(stream.name);
  return context.shards(stream);
}

const only = (shards: readonly Shard[]): Shard => shards[0] ?? assert.fail('a stream without shards');
const pair = (shards: readonly Shard[]): [Shard, Shard] => {
  const [left, right] = inOrder(shards);
  if (left === undefined || right === undefined) assert.fail('fewer than two shards');
  return [left, right];
};

const splitCites = 'SplitShard, NewStartingHashKey: "and all higher hash key values ... are distributed to one of the child shards"';

export const reshardChecks: readonly Check[] = [
  {
    id: 'SplitShard: two children divide the range at NewStartingHashKey',
    cites: splitCites,
    async run(context) {
      const stream = await context.stream();
      const children = (await split(context, stream, only(stream.shards), 1_000n)).filter(isOpen);
      const [low, high] = pair(children);
      assert.deepEqual([startOf(low), endOf(low), startOf(high), endOf(high)], [0n, 999n, 1_000n, hashKeys - 1n]);
    },
  },
  {
    id: 'SplitShard: both children name the parent and no adjacent parent',
    cites: 'Shard, ParentShardId: "The shard ID of the shard\'s parent"',
    async run(context) {
      const stream = await context.stream();
      const children = (await split(context, stream, only(stream.shards), middle)).filter(isOpen);
      for (const child of children) {
        assert.deepEqual([child.ParentShardId, child.AdjacentParentShardId], [idOf(only(stream.shards)), undefined]);
      }
    },
  },
  {
    id: 'SplitShard: the parent gets an EndingSequenceNumber not below its last record',
    cites: 'SequenceNumberRange: "The range of possible sequence numbers for the shard"; OPEN shards have no ending sequence number',
    async run(context) {
      const stream = await context.stream();
      const { sequence } = await context.put(stream, 'a');
      const parent = only((await split(context, stream, only(stream.shards), middle)).filter((shard) => !isOpen(shard)));
      const end = parent.SequenceNumberRange?.EndingSequenceNumber ?? '';
      assert.ok(BigInt(end) >= BigInt(sequence), `the parent ends at ${end}, below ${sequence}`);
    },
  },
  {
    id: "SplitShard: children begin beyond their parent's end",
    cites: 'Developer Guide, resharding: sequence numbers of children follow those of their parents',
    async run(context) {
      const stream = await context.stream();
      const shards = await split(context, stream, only(stream.shards), middle);
      const end = BigInt(shards.find((shard) => !isOpen(shard))?.SequenceNumberRange?.EndingSequenceNumber ?? '');
      for (const child of shards.filter(isOpen)) assert.ok(BigInt(child.SequenceNumberRange?.StartingSequenceNumber ?? '') > end);
    },
  },
  {
    id: 'SplitShard: records put afterwards go to the children',
    cites:
      'Developer Guide, after a reshard: "data records that were flowing to the parent shards are re-routed to flow to the child shards"',
    async run(context) {
      const stream = await context.stream();
      const [low, high] = pair((await split(context, stream, only(stream.shards), middle)).filter(isOpen));
      assert.equal((await context.put(stream, 'a', 'a', { ExplicitHashKey: '0' })).shardId, idOf(low));
      assert.equal((await context.put(stream, 'a', 'a', { ExplicitHashKey: middle.toString() })).shardId, idOf(high));
    },
  },
  {
    id: "SplitShard: the parent's records stay readable",
    cites: 'Developer Guide, after a reshard: "any data records that were in the parent shards before the reshard remain in those shards"',
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'before');
      await split(context, stream, only(stream.shards), middle);
      const { records } = await context.read(await context.iterator(stream, idOf(only(stream.shards))), 1);
      assert.deepEqual(textsOf(records), ['before']);
    },
  },
  {
    id: 'GetRecords: the end of a split shard has no NextShardIterator and names both ChildShards with their parent',
    cites:
      'GetRecords, NextShardIterator: "If set to null, the shard has been closed"; ChildShards: "The list of the current shard\'s child shards"',
    async run(context) {
      const stream = await context.stream();
      const parent = idOf(only(stream.shards));
      await context.put(stream, 'a', 'before');
      const children = (await split(context, stream, only(stream.shards), middle)).filter(isOpen);
      const { records, last } = await context.read(await context.iterator(stream, parent), 2);
      assert.deepEqual(textsOf(records), ['before']);
      assert.equal(last.NextShardIterator, undefined);
      const expected = inOrder(children).map(({ ShardId, HashKeyRange }) => ({ ShardId, ParentShards: [parent], HashKeyRange }));
      assert.deepEqual(inOrder(last.ChildShards ?? []), expected);
    },
  },
  {
    id: 'GetShardIterator: LATEST on a closed shard gives a valid iterator that ends it',
    cites:
      'GetShardIterator: "If the shard is closed, GetShardIterator returns a valid iterator for the last sequence number of the shard"',
    async run(context) {
      const stream = await context.stream();
      const parent = idOf(only(stream.shards));
      await split(context, stream, only(stream.shards), middle);
      const { last } = await context.read(await context.iterator(stream, parent, { ShardIteratorType: 'LATEST' }), 1);
      assert.equal(last.NextShardIterator, undefined);
      assert.equal(last.ChildShards?.length, 2);
    },
  },
  {
    id: 'SplitShard: a closed shard is refused',
    cites: 'SplitShard, Errors: InvalidArgumentException, ResourceInUseException',
    async run(context) {
      const stream = await context.stream();
      const parent = only(stream.shards);
      await split(context, stream, parent, middle);
      const command = new SplitShardCommand({ StreamName: stream.name, ShardToSplit: idOf(parent), NewStartingHashKey: '1000' });
      await context.refused(command, 'InvalidArgumentException', 'ResourceInUseException');
    },
  },
  {
    id: "SplitShard: a NewStartingHashKey that is the shard's StartingHashKey is refused with InvalidArgumentException",
    cites: 'SplitShard, NewStartingHashKey: "must be in the range of hash keys being mapped into the shard"; a split makes two shards',
    async run(context) {
      const stream = await context.stream(3);
      const [low] = inOrder(stream.shards);
      const command = { StreamName: stream.name, ShardToSplit: idOf(low), NewStartingHashKey: startOf(low ?? only([])).toString() };
      await context.refused(new SplitShardCommand(command), 'InvalidArgumentException');
    },
  },
  {
    id: "SplitShard: a NewStartingHashKey beyond the shard's range is refused with InvalidArgumentException",
    cites: 'SplitShard, NewStartingHashKey: "must be in the range of hash keys being mapped into the shard"',
    async run(context) {
      const stream = await context.stream(3);
      const [low] = inOrder(stream.shards);
      const beyond = (endOf(low ?? only([])) + 1n).toString();
      const command = new SplitShardCommand({ StreamName: stream.name, ShardToSplit: idOf(low), NewStartingHashKey: beyond });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  {
    id: 'SplitShard: a shard that is not there is refused with ResourceNotFoundException',
    cites: 'SplitShard, Errors: ResourceNotFoundException',
    async run(context) {
      const { name } = await context.stream();
      const command = new SplitShardCommand({ StreamName: name, ShardToSplit: 'shardId-000000000009', NewStartingHashKey: '1000' });
      await context.refused(command, 'ResourceNotFoundException');
    },
  },
  {
    id: 'SplitShard: a stream that is not there is refused with ResourceNotFoundException',
    cites: 'SplitShard: "If the specified stream does not exist, ... ResourceNotFoundException"',
    async run(context) {
      const command = { StreamName: context.name(), ShardToSplit: 'shardId-000000000000', NewStartingHashKey: '1000' };
      await context.refused(new SplitShardCommand(command), 'ResourceNotFoundException');
    },
  },
  {
    id: 'SplitShard: OpenShardCount counts the children and not the parent',
    cites: 'StreamDescriptionSummary, OpenShardCount: "The number of open shards in the stream"',
    async run(context) {
      const stream = await context.stream();
      await split(context, stream, only(stream.shards), middle);
      const { StreamDescriptionSummary } = await context.send(new DescribeStreamSummaryCommand({ StreamName: stream.name }));
      assert.equal(StreamDescriptionSummary?.OpenShardCount, 2);
    },
  },
  {
    id: 'MergeShards: one child covers both ranges and names both parents',
    cites: 'MergeShards: "the single child shard receives data for all hash key values covered by the two parent shards"',
    async run(context) {
      const stream = await context.stream(2);
      const [left, right] = pair(stream.shards);
      const child = only((await merge(context, stream, left, right)).filter(isOpen));
      assert.deepEqual([child.ParentShardId, child.AdjacentParentShardId], [idOf(left), idOf(right)]);
      assertTiles([child]);
    },
  },
  {
    id: 'MergeShards: both parents get an EndingSequenceNumber',
    cites: 'SequenceNumberRange: "Shards that are in the OPEN state have an ending sequence number of null"',
    async run(context) {
      const stream = await context.stream(2);
      const shards = await merge(context, stream, ...pair(stream.shards));
      assert.equal(shards.filter((shard) => !isOpen(shard)).length, 2);
    },
  },
  {
    id: 'GetRecords: the end of a merged shard names the one ChildShard with both parents',
    cites: 'ChildShard, ParentShards; GetRecords, ChildShards: "returned ... only when the end of the current shard is reached"',
    async run(context) {
      const stream = await context.stream(2);
      const [left, right] = pair(stream.shards);
      const child = only((await merge(context, stream, left, right)).filter(isOpen));
      for (const parent of [left, right]) {
        const { last } = await context.read(await context.iterator(stream, idOf(parent)), 1);
        assert.deepEqual(last.ChildShards?.map(idOf), [idOf(child)]);
        assert.deepEqual([...(last.ChildShards?.[0]?.ParentShards ?? [])].sort(), [idOf(left), idOf(right)].sort());
      }
    },
  },
  {
    id: 'MergeShards: shards that are not adjacent are refused with InvalidArgumentException',
    cites: 'MergeShards: "adjacent if the union of the hash key ranges for the two shards form a contiguous set with no gaps"',
    async run(context) {
      const { name, shards } = await context.stream(3);
      const [low, , high] = inOrder(shards);
      const command = new MergeShardsCommand({ StreamName: name, ShardToMerge: idOf(low), AdjacentShardToMerge: idOf(high) });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  {
    id: 'MergeShards: a shard with itself is refused with InvalidArgumentException',
    cites: 'MergeShards: "Merges two adjacent shards"',
    async run(context) {
      const { name, shards } = await context.stream(3);
      const command = new MergeShardsCommand({
        StreamName: name,
        ShardToMerge: idOf(only(shards)),
        AdjacentShardToMerge: idOf(only(shards)),
      });
      await context.refused(command, 'InvalidArgumentException');
    },
  },
  {
    id: 'MergeShards: a shard that is not there is refused with ResourceNotFoundException',
    cites: 'MergeShards, Errors: ResourceNotFoundException',
    async run(context) {
      const { name, shards } = await context.stream(3);
      const command = { StreamName: name, ShardToMerge: idOf(only(shards)), AdjacentShardToMerge: 'shardId-000000000009' };
      await context.refused(new MergeShardsCommand(command), 'ResourceNotFoundException');
    },
  },
  {
    id: 'UpdateShardCount: answers the current and the target count',
    cites: 'UpdateShardCount, Response: CurrentShardCount "The current number of shards", TargetShardCount, StreamName, StreamARN',
    async run(context) {
      const { name, arn } = await context.stream(1);
      const command = new UpdateShardCountCommand({ StreamName: name, TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' });
      const { CurrentShardCount, TargetShardCount, StreamName, StreamARN } = await context.send(command);
      assert.deepEqual([CurrentShardCount, TargetShardCount, StreamName, StreamARN], [1, 2, name, arn]);
      await context.active(name);
    },
  },
  {
    id: 'UpdateShardCount: doubled shards are open, equal in size, and tile the key space',
    cites: 'UpdateShardCount, ScalingType: "Uniform scaling creates shards of equal size"',
    async run(context) {
      const open = (await scale(context, await context.stream(2), 4)).filter(isOpen);
      assert.equal(open.length, 4);
      assertTiles(open);
      const sizes = open.map((shard) => endOf(shard) - startOf(shard));
      assert.ok(
        sizes.every((size) => size - (sizes[0] ?? 0n) <= 3n && (sizes[0] ?? 0n) - size <= 3n),
        String(sizes),
      );
    },
  },
  {
    id: 'UpdateShardCount: halved shards are open and tile the key space',
    cites: 'UpdateShardCount: "Kinesis Data Streams performs splits or merges on individual shards"',
    async run(context) {
      const open = (await scale(context, await context.stream(4), 2)).filter(isOpen);
      assert.equal(open.length, 2);
      assertTiles(open);
    },
  },
  {
    id: 'UpdateShardCount: every new shard descends from listed shards whose ranges hold or make up its own',
    cites: 'UpdateShardCount: "performs splits or merges on individual shards. This can cause short-lived shards to be created"',
    async run(context) {
      const shards = await scale(context, await context.stream(2), 3);
      const byId = new Map(shards.map((shard) => [idOf(shard), shard]));
      for (const child of shards.filter(({ ParentShardId }) => ParentShardId !== undefined)) {
        const parents = [child.ParentShardId, child.AdjacentParentShardId].flatMap((id) => byId.get(id ?? '') ?? []);
        assert.ok(parents.length > 0, `${idOf(child)} has no listed parent`);
        assert.ok(parents.every((parent) => !isOpen(parent)));
        const starts = parents.map(startOf);
        const ends = parents.map(endOf);
        if (parents.length === 2) assertTiles(parents, startOf(child), endOf(child));
        else assert.ok((starts[0] ?? 0n) <= startOf(child) && endOf(child) <= (ends[0] ?? 0n));
      }
    },
  },
  ...[
    ['more than double', 2, 5],
    ['less than half', 4, 1],
  ].map(
    ([what, current, target]): Check => ({
      id: `UpdateShardCount: ${what} is refused`,
      cites: 'UpdateShardCount: "Scale up to more than double your current shard count", "Scale down below half your current shard count"',
      async run(context) {
        const { name } = await context.stream(Number(current));
        const command = { StreamName: name, TargetShardCount: Number(target), ScalingType: 'UNIFORM_SCALING' } as const;
        await context.refused(new UpdateShardCountCommand(command), 'InvalidArgumentException', 'LimitExceededException');
      },
    }),
  ),
  {
    id: 'UpdateShardCount: a ScalingType that is none is refused with ValidationException',
    cites: 'UpdateShardCount, ScalingType: "Valid Values: UNIFORM_SCALING"',
    async run(context) {
      const { name } = await context.stream();
      const input = { StreamName: name, TargetShardCount: 2, ScalingType: 'OTHER' };
      await context.refusedRaw('UpdateShardCount', input, 'ValidationException');
    },
  },
  {
    id: 'UpdateShardCount: an eleventh time in 24 hours is refused with LimitExceededException, and is taken a day later',
    cites: 'UpdateShardCount: "Scale more than ten times per rolling 24-hour period per stream"',
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream(2);
      for (let i = 0; i < 10; i++) await scale(context, stream, i % 2 === 0 ? 4 : 2);
      const eleventh = new UpdateShardCountCommand({ StreamName: stream.name, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' });
      await context.refused(eleventh, 'LimitExceededException');
      context.pass(25 * 3_600_000);
      await scale(context, stream, 4);
    },
  },
  ...(
    [
      [
        'SplitShard',
        (StreamName: string) => new SplitShardCommand({ StreamName, ShardToSplit: 'shardId-000000000000', NewStartingHashKey: '9' }),
      ],
      [
        'MergeShards',
        (StreamName: string) =>
          new MergeShardsCommand({ StreamName, ShardToMerge: 'shardId-000000000000', AdjacentShardToMerge: 'shardId-000000000001' }),
      ],
      [
        'UpdateShardCount',
        (StreamName: string) => new UpdateShardCountCommand({ StreamName, TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' }),
      ],
    ] as const
  ).map(
    ([operation, commandFor]): Check => ({
      id: `${operation}: an on-demand stream is refused`,
      cites: `${operation}: "only supported for the data streams with the provisioned capacity mode"; Errors: ValidationException`,
      async run(context) {
        const name = context.name();
        await context.operation('CreateStream', { StreamName: name, StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
        await context.active(name);
        await context.refused(commandFor(name), 'ValidationException', 'InvalidArgumentException');
      },
    }),
  ),
];
