import assert from 'node:assert/strict';
import * as sdk from '@aws-sdk/client-kinesis';
import { operations, unsupported } from '../../../../scripts/local/kinesis/operations/index.ts';
import { type KinesisServer, startKinesis } from '../../../../scripts/local/kinesis/server.ts';
import { awsError, clientOf, textOf, transports } from './rig.ts';

const StreamName = 'orders';
const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${StreamName}`;
const statusDelayMs = 40;
const patience = { maxWaitTime: 5, minDelay: 0.02, maxDelay: 0.02 };
const keys = 2n ** 128n;

for (const transport of transports) {
  describe(`local Kinesis through the AWS SDK over ${transport}`, () => {
    let server: KinesisServer;
    let client: sdk.KinesisClient;
    const called = new Set<string>();
    before(async () => {
      server = await startKinesis({ statusDelayMs, limits: false });
      client = clientOf(server.endpoint, transport);
      client.middlewareStack.add(
        (next, { commandName }) =>
          (args) => {
            called.add(String(commandName).replace(/Command$/, ''));
            return next(args);
          },
        { step: 'initialize' },
      );
    });
    after(async () => {
      client.destroy();
      await server.close();
    });

    const active = async () => {
      const waited = await sdk.waitUntilStreamExists({ client, ...patience }, { StreamName });
      assert.equal(waited.state, 'SUCCESS');
    };
    const openShards = async (): Promise<sdk.Shard[]> => {
      const { Shards = [] } = await client.send(new sdk.ListShardsCommand({ StreamARN, ShardFilter: { Type: 'AT_LATEST' } }));
      return Shards;
    };
    const iterator = async (input: Omit<sdk.GetShardIteratorCommandInput, 'StreamName'>): Promise<string> =>
      (await client.send(new sdk.GetShardIteratorCommand({ StreamName, ...input }))).ShardIterator ?? '';
    const texts = async (input: Omit<sdk.GetShardIteratorCommandInput, 'StreamName'>): Promise<string[]> => {
      const { Records = [] } = await client.send(new sdk.GetRecordsCommand({ ShardIterator: await iterator(input) }));
      return Records.map(textOf);
    };

    it('begins with a stream that waiters see come', async () => {
      await sdk.waitUntilStreamNotExists({ client, ...patience }, { StreamName });
      await client.send(new sdk.CreateStreamCommand({ StreamName, ShardCount: 2, Tags: { stage: 'test' } }));
      await active();
      const { StreamDescriptionSummary } = await client.send(new sdk.DescribeStreamSummaryCommand({ StreamARN }));
      assert.equal(StreamDescriptionSummary?.StreamStatus, 'ACTIVE');
      const { StreamDescription } = await client.send(new sdk.DescribeStreamCommand({ StreamName }));
      assert.equal(StreamDescription?.Shards?.length, 2);
      assert.equal(StreamDescriptionSummary.OpenShardCount, 2);
      assert.ok(Math.abs((StreamDescriptionSummary.StreamCreationTimestamp?.getTime() ?? 0) - Date.now()) < 60_000);
      const limits = await client.send(new sdk.DescribeLimitsCommand({}));
      assert.equal(limits.OpenShardCount, 2);
    });

    it('lists streams and shards by pages', async () => {
      for (const name of ['a', 'b', 'z']) await client.send(new sdk.CreateStreamCommand({ StreamName: name, ShardCount: 1 }));
      const names: string[] = [];
      for await (const { StreamNames = [] } of sdk.paginateListStreams({ client, pageSize: 1 }, {})) names.push(...StreamNames);
      assert.deepEqual(names, ['a', 'b', StreamName, 'z']);
      const first = await client.send(new sdk.ListShardsCommand({ StreamName, MaxResults: 1 }));
      const second = await client.send(new sdk.ListShardsCommand({ NextToken: first.NextToken }));
      assert.deepEqual(
        [...(first.Shards ?? []), ...(second.Shards ?? [])].map(({ ShardId }) => ShardId),
        ['shardId-000000000000', 'shardId-000000000001'],
      );
      assert.equal(second.NextToken, undefined);
    });

    it('puts, and reads from every kind of position', async () => {
      const ShardId = 'shardId-000000000000';
      const before = new Date(Date.now() - 1_000);
      const one = await client.send(
        new sdk.PutRecordCommand({ StreamName, PartitionKey: 'k', ExplicitHashKey: '0', Data: Buffer.from('one') }),
      );
      assert.equal(one.ShardId, ShardId);
      const latest = await iterator({ ShardId, ShardIteratorType: 'LATEST' });
      const rest = await client.send(
        new sdk.PutRecordsCommand({
          StreamARN,
          Records: ['two', 'drei', 'четыре'].map((text) => ({ PartitionKey: text, ExplicitHashKey: '0', Data: Buffer.from(text) })),
        }),
      );
      assert.equal(rest.FailedRecordCount, 0);
      const all = ['one', 'two', 'drei', 'четыре'];
      const StartingSequenceNumber = one.SequenceNumber;
      assert.deepEqual(await texts({ ShardId, ShardIteratorType: 'TRIM_HORIZON' }), all);
      assert.deepEqual(await texts({ ShardId, ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber }), all);
      assert.deepEqual(await texts({ ShardId, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber }), all.slice(1));
      assert.deepEqual(await texts({ ShardId, ShardIteratorType: 'AT_TIMESTAMP', Timestamp: before }), all);
      const { Records = [], MillisBehindLatest } = await client.send(new sdk.GetRecordsCommand({ ShardIterator: latest }));
      assert.deepEqual([Records.map(textOf), MillisBehindLatest], [all.slice(1), 0]);
      assert.deepEqual(
        Records.map(({ PartitionKey }) => PartitionKey),
        all.slice(1),
      );
    });

    it('splits, merges and scales', async () => {
      const [left] = await openShards();
      await client.send(new sdk.SplitShardCommand({ StreamName, ShardToSplit: left?.ShardId, NewStartingHashKey: (keys / 4n).toString() }));
      await active();
      let open = await openShards();
      assert.equal(open.length, 3);
      const children = open.filter(({ ParentShardId }) => ParentShardId === left?.ShardId);
      assert.equal(children.length, 2);
      const [a, b] = children;
      await client.send(new sdk.MergeShardsCommand({ StreamName, ShardToMerge: a?.ShardId, AdjacentShardToMerge: b?.ShardId }));
      await active();
      open = await openShards();
      assert.equal(open.length, 2);
      const scaled = await client.send(
        new sdk.UpdateShardCountCommand({ StreamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' }),
      );
      assert.deepEqual([scaled.CurrentShardCount, scaled.TargetShardCount], [2, 4]);
      await active();
      assert.equal((await openShards()).length, 4);
      const {
        Records = [],
        NextShardIterator,
        ChildShards,
      } = await client.send(
        new sdk.GetRecordsCommand({ ShardIterator: await iterator({ ShardId: left?.ShardId, ShardIteratorType: 'TRIM_HORIZON' }) }),
      );
      assert.deepEqual([Records.length, NextShardIterator], [4, undefined]);
      const ids = (shards: readonly { ShardId?: string | undefined }[] = []) => new Set(shards.map(({ ShardId }) => ShardId));
      assert.deepEqual(ids(ChildShards), ids(children));
    });

    it('registers consumers, and pushes to them', async () => {
      for (const ConsumerName of ['board', 'loader']) await client.send(new sdk.RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
      const names: (string | undefined)[] = [];
      for await (const { Consumers = [] } of sdk.paginateListStreamConsumers({ client, pageSize: 1 }, { StreamARN })) {
        names.push(...Consumers.map(({ ConsumerName }) => ConsumerName));
      }
      assert.deepEqual(names, ['board', 'loader']);
      const describe = async () =>
        (await client.send(new sdk.DescribeStreamConsumerCommand({ StreamARN, ConsumerName: 'board' }))).ConsumerDescription;
      let board = await describe();
      while (board?.ConsumerStatus === 'CREATING') board = await describe();
      assert.equal(board?.ConsumerStatus, 'ACTIVE');
      const ConsumerARN = board.ConsumerARN;
      const ShardId = (await openShards())[0]?.ShardId;
      const { EventStream } = await client.send(
        new sdk.SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition: { Type: 'LATEST' } }),
      );
      await client.send(new sdk.PutRecordCommand({ StreamName, PartitionKey: 'k', ExplicitHashKey: '0', Data: Buffer.from('pushed') }));
      for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
        assert.ok(event, 'only events come');
        if (event.Records?.length === 0) continue;
        assert.deepEqual(event.Records?.map(textOf), ['pushed']);
        assert.equal(event.MillisBehindLatest, 0);
        assert.match(event.ContinuationSequenceNumber ?? '', /^\d{56}$/);
        break;
      }
      await client.send(new sdk.DeregisterStreamConsumerCommand({ ConsumerARN }));
    });

    it('changes retention and tags', async () => {
      const retention = async () =>
        (await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary?.RetentionPeriodHours;
      await client.send(new sdk.IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 }));
      await active();
      assert.equal(await retention(), 48);
      await client.send(new sdk.DecreaseStreamRetentionPeriodCommand({ StreamARN, RetentionPeriodHours: 24 }));
      await active();
      assert.equal(await retention(), 24);
      await client.send(new sdk.AddTagsToStreamCommand({ StreamName, Tags: { team: 'planners' } }));
      const { Tags } = await client.send(new sdk.ListTagsForStreamCommand({ StreamName }));
      assert.deepEqual(Tags, [
        { Key: 'stage', Value: 'test' },
        { Key: 'team', Value: 'planners' },
      ]);
      await client.send(new sdk.RemoveTagsFromStreamCommand({ StreamName, TagKeys: ['stage'] }));
      await client.send(new sdk.TagResourceCommand({ ResourceARN: StreamARN, Tags: { cost: '7' } }));
      await client.send(new sdk.UntagResourceCommand({ ResourceARN: StreamARN, TagKeys: ['team'] }));
      const left = await client.send(new sdk.ListTagsForResourceCommand({ ResourceARN: StreamARN }));
      assert.deepEqual(left.Tags, [{ Key: 'cost', Value: '7' }]);
    });

    it('ends with a stream that waiters see go', async () => {
      await assert.rejects(
        client.send(new sdk.DeleteStreamCommand({ StreamName })),
        awsError('ResourceInUseException'),
        'a consumer is left',
      );
      await client.send(new sdk.DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
      const waited = await sdk.waitUntilStreamNotExists({ client, ...patience }, { StreamName });
      assert.equal(waited.state, 'SUCCESS');
      await assert.rejects(client.send(new sdk.DescribeStreamCommand({ StreamName })), awsError('ResourceNotFoundException'));
    });

    it('has met every operation that is served', () => {
      assert.deepEqual(
        [...operations.keys()].filter((name) => !called.has(name)),
        [],
      );
    });

    it('is told of each other operation of the SDK that it is not supported', async () => {
      const commands = Object.entries(sdk as unknown as Record<string, new (input: object) => sdk.ListStreamsCommand>);
      const others = commands.filter(([name]) => /^[A-Z]\w+Command$/.test(name) && !operations.has(name.replace(/Command$/, '')));
      assert.deepEqual(others.map(([name]) => name.replace(/Command$/, '')).sort(), [...unsupported].sort());
      for (const [, Command] of others) await assert.rejects(client.send(new Command({})), awsError('UnsupportedOperationException'));
    });
  });
}
