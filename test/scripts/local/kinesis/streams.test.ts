import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  ListStreamsCommand,
  paginateListStreams,
} from '@aws-sdk/client-kinesis';
import { awsError, Rig, startMs, transports } from './rig.ts';

for (const transport of transports) {
  describe(`local Kinesis: streams over ${transport}`, () => {
    let rig: Rig;
    before(async () => {
      rig = await Rig.start({ transport, accountId: '111122223333' });
    });
    after(() => rig.stop());

    it('creates, describes, summarises and deletes a stream', async () => {
      const StreamName = await rig.create('orders', 2);
      const { StreamDescription: full } = await rig.client.send(new DescribeStreamCommand({ StreamName }));
      assert.equal(full?.StreamARN, 'arn:aws:kinesis:us-east-1:111122223333:stream/orders');
      assert.equal(full?.StreamStatus, 'ACTIVE');
      assert.equal(full?.StreamModeDetails?.StreamMode, 'PROVISIONED');
      assert.equal(full?.StreamCreationTimestamp?.getTime(), startMs);
      assert.equal(full?.RetentionPeriodHours, 24);
      assert.equal(full?.HasMoreShards, false);
      assert.deepEqual(
        full?.Shards?.map(({ ShardId, HashKeyRange }) => [ShardId, HashKeyRange?.StartingHashKey, HashKeyRange?.EndingHashKey]),
        [
          ['shardId-000000000000', '0', '170141183460469231731687303715884105727'],
          ['shardId-000000000001', '170141183460469231731687303715884105728', '340282366920938463463374607431768211455'],
        ],
      );
      const { StreamDescriptionSummary: summary } = await rig.client.send(new DescribeStreamSummaryCommand({ StreamName }));
      assert.equal(summary?.OpenShardCount, 2);
      assert.equal(summary?.ConsumerCount, 0);
      await rig.client.send(new DeleteStreamCommand({ StreamName }));
      await assert.rejects(
        rig.client.send(new DescribeStreamCommand({ StreamName })),
        awsError('ResourceNotFoundException', /^Stream orders under account 111122223333 not found\.$/),
      );
    });

    it('takes StreamARN wherever it takes StreamName', async () => {
      const StreamARN = `arn:aws:kinesis:us-east-1:111122223333:stream/${await rig.create('by-arn', 1)}`;
      const { StreamDescriptionSummary } = await rig.client.send(new DescribeStreamSummaryCommand({ StreamARN }));
      assert.equal(StreamDescriptionSummary?.StreamName, 'by-arn');
      await rig.client.send(new DeleteStreamCommand({ StreamARN }));
      await assert.rejects(rig.client.send(new DescribeStreamSummaryCommand({ StreamARN })), awsError('ResourceNotFoundException'));
    });
  });
}

describe('local Kinesis: the list of streams', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start();
    for (const name of ['c', 'a', 'e', 'b', 'd']) await rig.create(name, 1);
  });
  after(() => rig.stop());

  it('comes in pages, sorted by name', async () => {
    const pages: (string[] | undefined)[] = [];
    for await (const { StreamNames } of paginateListStreams({ client: rig.client, pageSize: 2 }, {})) pages.push(StreamNames);
    assert.deepEqual(pages, [['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('has at most 100 streams in a page', async () => {
    const many = await Rig.start({ limits: false });
    try {
      for (let i = 0; i < 101; i++) await many.create(`s${i}`, 1);
      const answer = await many.client.send(new ListStreamsCommand({ Limit: 1_000 }));
      assert.deepEqual([answer.StreamNames?.length, answer.HasMoreStreams], [100, true]);
    } finally {
      await many.stop();
    }
  });

  it('starts after ExclusiveStartStreamName and says whether more follow', async () => {
    const answer = await rig.client.send(new ListStreamsCommand({ ExclusiveStartStreamName: 'c', Limit: 1 }));
    assert.deepEqual([answer.StreamNames, answer.HasMoreStreams], [['d'], true]);
    assert.equal(answer.StreamSummaries?.[0]?.StreamStatus, 'ACTIVE');
  });

  it('refuses a token it did not issue', async () => {
    await assert.rejects(rig.client.send(new ListStreamsCommand({ NextToken: 'bWFkZSB1cA==' })), awsError('InvalidArgumentException'));
  });
});

describe('local Kinesis: creating a stream', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start();
  });
  after(() => rig.stop());

  beforeEach(() => rig.pass(1_000)); // CreateStream is called 5 times a second at most

  const create = (input: ConstructorParameters<typeof CreateStreamCommand>[0]) => rig.client.send(new CreateStreamCommand(input));

  it('gives an on-demand stream four shards', async () => {
    await create({ StreamName: 'free', StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
    assert.equal((await rig.shards('free')).length, 4);
  });

  it('refuses a name that is taken', async () => {
    await rig.create('taken', 1);
    await assert.rejects(rig.create('taken', 1), awsError('ResourceInUseException', /already exists/));
  });

  it('starts anew under the name of a deleted stream', async () => {
    await rig.create('again', 1);
    await rig.put('again', [{ key: 'k', data: 'old' }]);
    const stale = await rig.iterator('again', 'shardId-000000000000');
    const [old] = await rig.read('again', 'shardId-000000000000');
    await rig.client.send(new DeleteStreamCommand({ StreamName: 'again' }));
    await rig.create('again', 1);
    assert.deepEqual(await rig.read('again', 'shardId-000000000000'), []);
    await assert.rejects(rig.get(stale), awsError('ResourceNotFoundException'));
    await rig.put('again', [{ key: 'k', data: 'new' }]);
    const checkpoint = { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: old?.SequenceNumber } as const;
    await assert.rejects(
      rig.iterator('again', 'shardId-000000000000', checkpoint),
      awsError('InvalidArgumentException', /did not come from this stream/),
      'although both began in the same second',
    );
  });

  for (const [what, input, error, message] of [
    ['a provisioned stream without a shard count', { StreamName: 'x' }, 'ValidationException', /'shardCount'.*not be null/],
    ['a count of no shards', { StreamName: 'x', ShardCount: 0 }, 'ValidationException', /greater than or equal to 1/],
    ['a name with a slash', { StreamName: 'a/b', ShardCount: 1 }, 'ValidationException', /'streamName'.*pattern/],
    ['a name of 129 characters', { StreamName: 'n'.repeat(129), ShardCount: 1 }, 'ValidationException', /less than or equal to 128/],
    ['more shards than an account has', { StreamName: 'x', ShardCount: 1_001 }, 'LimitExceededException', /Limit: 1000/],
    [
      'a shard count on demand',
      { StreamName: 'x', ShardCount: 1, StreamModeDetails: { StreamMode: 'ON_DEMAND' as const } },
      'ValidationException',
      /ON_DEMAND/,
    ],
    ['records beyond 1 MiB', { StreamName: 'x', ShardCount: 1, MaxRecordSizeInKiB: 2_048 }, 'InvalidArgumentException', /1 MiB/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(create(input), awsError(error, message));
    });
  }
});
