import assert from 'node:assert/strict';
import { ListShardsCommand, type ListShardsCommandInput, SplitShardCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { idOf, isOpen } from '../hash-keys.ts';
import type { TestStream } from '../session.ts';

const filterCites = 'ShardFilter, Type';
const idsOf = async (context: Context, input: ListShardsCommandInput) =>
  ((await context.send(new ListShardsCommand(input))).Shards ?? []).map(idOf);

/** A stream of one shard that was split: parent 0, children 1 and 2. */
async function split(context: Context): Promise<TestStream & { splitAfter: number }> {
  const stream = await context.stream();
  const splitAfter = (await context.put(stream, 'a'), context.now());
  const middle = (1n << 127n).toString();
  await context.send(new SplitShardCommand({ StreamName: stream.name, ShardToSplit: idOf(stream.shards[0]), NewStartingHashKey: middle }));
  await context.active(stream.name);
  return { ...stream, splitAfter };
}

const [parent, ...children] = ['shardId-000000000000', 'shardId-000000000001', 'shardId-000000000002'];

export const listShardsChecks: readonly Check[] = [
  {
    id: 'ListShards: without a page size all shards are in one answer, and no NextToken',
    cites: 'ListShards, MaxResults: "The default value is 1000"',
    async run(context) {
      const { name } = await context.shared(3);
      const answer = await context.send(new ListShardsCommand({ StreamName: name }));
      assert.deepEqual([answer.Shards?.length, answer.NextToken], [3, undefined]);
    },
  },
  {
    id: 'ListShards: takes StreamARN instead of StreamName',
    cites: 'ListShards: "you must use either the StreamARN or the StreamName parameter, or both"',
    async run(context) {
      const { arn } = await context.shared(3);
      assert.equal((await idsOf(context, { StreamARN: arn })).length, 3);
    },
  },
  {
    id: 'ListShards: MaxResults and NextToken walk all shards once',
    cites: 'ListShards, NextToken: "You can specify this NextToken value in a subsequent call to ListShards"',
    async run(context) {
      const { name, shards } = await context.shared(3);
      const found: string[] = [];
      let page = await context.send(new ListShardsCommand({ StreamName: name, MaxResults: 1 }));
      for (;;) {
        assert.ok((page.Shards?.length ?? 0) <= 1);
        found.push(...(page.Shards ?? []).map(idOf));
        if (page.NextToken === undefined) break;
        page = await context.send(new ListShardsCommand({ NextToken: page.NextToken, MaxResults: 1 }));
      }
      assert.deepEqual(found, shards.map(idOf));
    },
  },
  {
    id: 'ListShards: ExclusiveStartShardId begins behind that shard',
    cites: 'ListShards: "starting with the shard whose ID immediately follows ExclusiveStartShardId"',
    async run(context) {
      const { name } = await context.shared(3);
      assert.deepEqual(await idsOf(context, { StreamName: name, ExclusiveStartShardId: parent }), children);
    },
  },
  ...(['StreamName', 'ExclusiveStartShardId', 'StreamCreationTimestamp'] as const).map(
    (member): Check => ({
      id: `ListShards: NextToken together with ${member} is refused with InvalidArgumentException`,
      cites: `ListShards, ${member}: "You cannot specify this parameter if you specify the NextToken parameter"`,
      async run(context) {
        const { name } = await context.shared(3);
        const { NextToken } = await context.send(new ListShardsCommand({ StreamName: name, MaxResults: 1 }));
        const more = {
          StreamName: { StreamName: name },
          ExclusiveStartShardId: { ExclusiveStartShardId: parent },
          StreamCreationTimestamp: { StreamCreationTimestamp: new Date(0) },
        }[member];
        await context.refused(new ListShardsCommand({ NextToken, ...more }), 'InvalidArgumentException');
      },
    }),
  ),
  {
    id: 'ListShards: a NextToken that is none is refused with InvalidArgumentException',
    cites:
      'ListShards, Errors: InvalidArgumentException: "A specified parameter exceeds its restrictions, is not supported, or can\'t be used"',
    run: async (context) => void (await context.refused(new ListShardsCommand({ NextToken: 'AAAAinvented' }), 'InvalidArgumentException')),
  },
  {
    id: 'ListShards: neither stream nor NextToken is refused',
    cites: 'ListShards: "you must use either the StreamARN or the StreamName parameter, or both"',
    run: async (context) => void (await context.refused(new ListShardsCommand({}), 'InvalidArgumentException', 'ValidationException')),
  },
  {
    id: 'ListShards: a NextToken older than 300 s is refused with ExpiredNextTokenException',
    cites: 'ListShards, NextToken: "Tokens expire after 300 seconds ... you get ExpiredNextTokenException"',
    needs: ['clock'],
    async run(context) {
      const { name } = await context.shared(3);
      const { NextToken } = await context.send(new ListShardsCommand({ StreamName: name, MaxResults: 1 }));
      context.pass(299_000);
      await context.send(new ListShardsCommand({ NextToken }));
      context.pass(2_000);
      await context.refused(new ListShardsCommand({ NextToken }), 'ExpiredNextTokenException');
    },
  },
  ...[0, 10_001].map(
    (count): Check => ({
      id: `ListShards: MaxResults ${count} is refused with ValidationException`,
      cites: 'ListShards, MaxResults: "Valid Range: Minimum value of 1. Maximum value of 10000"',
      async run(context) {
        const { name } = await context.shared(3);
        await context.refused(new ListShardsCommand({ StreamName: name, MaxResults: count }), 'ValidationException');
      },
    }),
  ),
  {
    id: "ListShards: a StreamCreationTimestamp that is the stream's own finds it",
    cites: 'ListShards, StreamCreationTimestamp: "to distinguish data streams that have the same name"',
    async run(context) {
      const { name } = await context.shared(3);
      const summary = await context.operation('DescribeStreamSummary', { StreamName: name });
      const created = (summary.value?.['StreamDescriptionSummary'] as Record<string, number> | undefined)?.['StreamCreationTimestamp'];
      const answer = await context.operation('ListShards', { StreamName: name, StreamCreationTimestamp: created });
      assert.equal(answer.status, 200, answer.body.toString());
    },
  },
  {
    id: 'ListShards: closed parents stay listed beside their children',
    cites: `${filterCites}: "FROM_TRIM_HORIZON - (default), the response includes all the shards within the retention period"`,
    async run(context) {
      const { name } = await split(context);
      assert.deepEqual(await idsOf(context, { StreamName: name }), [parent, ...children]);
    },
  },
  {
    id: 'ListShards: the filter AT_LATEST answers the open shards alone',
    cites: `${filterCites}: "AT_LATEST - the response includes only the currently open shards of the data stream"`,
    async run(context) {
      const { name } = await split(context);
      const { Shards = [] } = await context.send(new ListShardsCommand({ StreamName: name, ShardFilter: { Type: 'AT_LATEST' } }));
      assert.deepEqual(Shards.map(idOf), children);
      assert.ok(Shards.every(isOpen));
    },
  },
  {
    id: 'ListShards: the filter AT_TRIM_HORIZON answers the shards open at the horizon',
    cites: `${filterCites}: "AT_TRIM_HORIZON - the response includes all the shards that were open at TRIM_HORIZON"`,
    async run(context) {
      const { name } = await split(context);
      assert.deepEqual(await idsOf(context, { StreamName: name, ShardFilter: { Type: 'AT_TRIM_HORIZON' } }), [parent]);
    },
  },
  {
    id: 'ListShards: the filter FROM_TRIM_HORIZON answers all shards within retention',
    cites: `${filterCites}: "FROM_TRIM_HORIZON ... all the shards within the retention period of the data stream (trim to tip)"`,
    async run(context) {
      const { name } = await split(context);
      assert.deepEqual(await idsOf(context, { StreamName: name, ShardFilter: { Type: 'FROM_TRIM_HORIZON' } }), [parent, ...children]);
    },
  },
  {
    id: 'ListShards: the filter AFTER_SHARD_ID answers the shards behind that one',
    cites: `${filterCites}: "AFTER_SHARD_ID - ... starting with the shard whose ID immediately follows the ShardId that you provided"`,
    async run(context) {
      const { name } = await split(context);
      const filter = { Type: 'AFTER_SHARD_ID', ShardId: children[0] } as const;
      assert.deepEqual(await idsOf(context, { StreamName: name, ShardFilter: filter }), [children[1]]);
    },
  },
  {
    id: 'ListShards: the filter AFTER_SHARD_ID without ShardId is refused',
    cites: 'ListShards, ShardFilter: "If you specify the AFTER_SHARD_ID type, you must also provide the value for ... ShardId"',
    async run(context) {
      const { name } = await context.shared(3);
      const command = new ListShardsCommand({ StreamName: name, ShardFilter: { Type: 'AFTER_SHARD_ID' } });
      await context.refused(command, 'InvalidArgumentException', 'ValidationException');
    },
  },
  ...(['AT_TIMESTAMP', 'FROM_TIMESTAMP'] as const).map(
    (type): Check => ({
      id: `ListShards: the filter ${type} without Timestamp is refused`,
      cites: 'ListShards, ShardFilter: "If you specify the AT_TIMESTAMP or FROM_TIMESTAMP type, you must also provide ... Timestamp"',
      async run(context) {
        const { name } = await context.shared(3);
        const command = new ListShardsCommand({ StreamName: name, ShardFilter: { Type: type } });
        await context.refused(command, 'InvalidArgumentException', 'ValidationException');
      },
    }),
  ),
  {
    id: 'ListShards: a filter without Type is refused with ValidationException',
    cites: 'ListShards, ShardFilter: "the Type is the required property and must be specified"',
    async run(context) {
      const { name } = await context.shared(3);
      await context.refusedRaw('ListShards', { StreamName: name, ShardFilter: {} }, 'ValidationException', 'SerializationException');
    },
  },
  {
    id: 'ListShards: the filter FROM_TIMESTAMP before the split answers parent and children',
    cites: `${filterCites}: "FROM_TIMESTAMP - ... all closed shards whose end timestamp is greater than or equal to the given timestamp and also all open shards"`,
    async run(context) {
      const { name, splitAfter } = await split(context);
      const filter = { Type: 'FROM_TIMESTAMP', Timestamp: new Date(splitAfter - 60_000) } as const;
      assert.deepEqual(await idsOf(context, { StreamName: name, ShardFilter: filter }), [parent, ...children]);
    },
  },
  {
    id: 'ListShards: the filter FROM_TIMESTAMP after the split leaves the parent out',
    cites: `${filterCites}: "FROM_TIMESTAMP - ... all closed shards whose end timestamp is greater than or equal to the given timestamp"`,
    needs: ['clock'],
    async run(context) {
      const { name } = await split(context);
      context.pass(60_000);
      const filter = { Type: 'FROM_TIMESTAMP', Timestamp: new Date(context.now() - 30_000) } as const;
      assert.deepEqual(await idsOf(context, { StreamName: name, ShardFilter: filter }), children);
    },
  },
  {
    id: 'ListShards: the filter AT_TIMESTAMP answers the shards open at that time',
    cites: `${filterCites}: "AT_TIMESTAMP - ... start timestamp is less than or equal to the given timestamp and end timestamp is greater than or equal to the given timestamp or still open"`,
    needs: ['clock'],
    async run(context) {
      const stream = await context.stream();
      context.pass(60_000);
      const between = new Date(context.now());
      context.pass(60_000);
      const command = { ShardToSplit: parent, NewStartingHashKey: (1n << 127n).toString() };
      await context.send(new SplitShardCommand({ StreamName: stream.name, ...command }));
      await context.active(stream.name);
      context.pass(60_000);
      const at = (Timestamp: Date) => idsOf(context, { StreamName: stream.name, ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp } });
      assert.deepEqual(await at(between), [parent]);
      assert.deepEqual(await at(new Date(context.now() - 30_000)), children);
    },
  },
  {
    id: 'ListShards: a closed shard whose records have expired is not listed',
    cites: 'ListShards: "This action does not list expired shards"',
    needs: ['clock'],
    async run(context) {
      const { name } = await split(context);
      context.pass(25 * 3_600_000);
      assert.deepEqual(await idsOf(context, { StreamName: name }), children);
    },
  },
];
