import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, RawClient, Rig, startMs } from './rig.ts';

const first = 'shardId-000000000000';
const json = 'application/x-amz-json-1.1';

describe('local Kinesis: what a request may say', () => {
  let rig: Rig;
  let raw: RawClient;
  before(async () => {
    rig = await Rig.start({ limits: false });
    raw = new RawClient(rig.server.endpoint);
    await rig.create('s', 2);
  });
  after(async () => {
    raw.close();
    await rig.stop();
  });

  const call = async (operation: string, input: object) => {
    const answer = await raw.call(`Kinesis_20131202.${operation}`, json, Buffer.from(JSON.stringify(input)));
    return { ...answer, value: JSON.parse(answer.body.toString() || '{}') as Record<string, unknown> };
  };

  it('is told all constraints that it breaks at once, by members as AWS names them', async () => {
    for (const [operation, input, broken] of [
      [
        'SplitShard',
        { StreamName: '', ShardToSplit: 'n'.repeat(129) },
        [
          `Value null at 'newStartingHashKey' failed to satisfy constraint: Member must not be null`,
          `Value '${'n'.repeat(129)}' at 'shardToSplit' failed to satisfy constraint: Member must have length less than or equal to 128`,
          `Value '' at 'streamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+`,
          `Value '' at 'streamName' failed to satisfy constraint: Member must have length greater than or equal to 1`,
        ],
      ],
      [
        'GetShardIterator',
        { StreamName: 's', ShardIteratorType: 'FIRST', StartingSequenceNumber: '01' },
        [
          `Value null at 'shardId' failed to satisfy constraint: Member must not be null`,
          `Value 'FIRST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]`,
          `Value '01' at 'startingSequenceNumber' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})`,
        ],
      ],
      [
        'GetRecords',
        { Limit: 0 },
        [
          `Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
          `Value null at 'shardIterator' failed to satisfy constraint: Member must not be null`,
        ],
      ],
      [
        'UpdateShardCount',
        { StreamName: 's' },
        [
          `Value null at 'targetShardCount' failed to satisfy constraint: Member must not be null`,
          `Value null at 'scalingType' failed to satisfy constraint: Member must not be null`,
        ],
      ],
    ] as const) {
      const { status, value } = await call(operation, input);
      assert.deepEqual([status, value['__type']], [400, 'ValidationException']);
      assert.equal(value['message'], `${broken.length} validation errors detected: ${broken.join('; ')}`);
    }
  });

  it('has a text that is too long refused for its length alone, whatever its pattern would cost', async () => {
    const long = `arn:aws${':kinesis::123456789012:'.repeat(100)}`;
    for (const [operation, member] of [
      ['DescribeStream', 'StreamARN'],
      ['DescribeStreamConsumer', 'ConsumerARN'],
      ['TagResource', 'ResourceARN'],
    ] as const) {
      const { value } = await call(operation, { [member]: long, Tags: { k: 'v' } });
      assert.match(String(value['message']), /^1 validation error detected: .* Member must have length less than or equal to 2048$/);
    }
  });

  it('may name members that the API does not have, and leave those out that are null', async () => {
    const { status } = await call('DescribeStream', { StreamName: 's', StreamId: 'x', Colour: 'green', Limit: null });
    assert.equal(status, 200);
  });

  it('has a SerializationException for members of a wrong type', async () => {
    for (const [operation, input] of [
      ['DescribeStream', { StreamName: 7 }],
      ['DescribeStream', { StreamName: 's', Limit: '5' }],
      ['CreateStream', { StreamName: 'x', ShardCount: 1.5 }],
      ['CreateStream', { StreamName: 'x', ShardCount: 1, StreamModeDetails: [] }],
      ['CreateStream', { StreamName: 'x', ShardCount: 1, Tags: { a: 1 } }],
      ['DeleteStream', { StreamName: 's', EnforceConsumerDeletion: 'yes' }],
      ['RemoveTagsFromStream', { StreamName: 's', TagKeys: 'a' }],
      ['ListShards', { StreamName: 's', ShardFilter: 'AT_LATEST' }],
      ['GetShardIterator', { StreamName: 's', ShardId: first, ShardIteratorType: 'AT_TIMESTAMP', Timestamp: 'now' }],
      ['SplitShard', { StreamName: 's', ShardToSplit: { id: first }, NewStartingHashKey: '9' }],
      ['IncreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours: true }],
    ] as const) {
      const { status, errorType } = await call(operation, input);
      assert.deepEqual([status, errorType], [400, 'SerializationException'], `${operation} ${JSON.stringify(input)}`);
    }
    assert.deepEqual((await rig.shards('s')).length, 2);
  });

  it('names its stream by name, by ARN, or by both when they agree', async () => {
    const arn = (part: { region?: string; account?: string; name?: string }) =>
      `arn:aws:kinesis:${part.region ?? 'us-east-1'}:${part.account ?? '000000000000'}:stream/${part.name ?? 's'}`;
    const describe = (input: { StreamName?: string; StreamARN?: string }) => rig.client.send(new DescribeStreamCommand(input));
    await describe({ StreamARN: arn({}), StreamName: 's' });
    for (const [input, error, message] of [
      [{}, 'InvalidArgumentException', /Either StreamName or StreamARN/],
      [{ StreamARN: arn({ name: 'other' }), StreamName: 's' }, 'InvalidArgumentException', /different streams/],
      [{ StreamARN: arn({ name: 'other' }) }, 'ResourceNotFoundException', /^Stream other under account 000000000000 not found\.$/],
      [{ StreamARN: arn({ region: 'eu-west-1' }) }, 'ResourceNotFoundException', /^Stream s under/],
      [{ StreamARN: arn({ account: '111122223333' }) }, 'AccessDeniedException', /111122223333:stream\/s/],
      [{ StreamARN: 's' }, 'ValidationException', /'streamARN'.*pattern: arn:aws\.\*:kinesis:\.\*:\\d\{12\}:stream\/\\S\+$/],
      [{ StreamARN: `${arn({})}:x` }, 'InvalidArgumentException', /not formatted properly/],
    ] as const) {
      await assert.rejects(describe(input), awsError(error, message), JSON.stringify(input));
    }
  });

  it('takes StreamARN wherever AWS does', async () => {
    const StreamARN = `arn:aws:kinesis:us-east-1:000000000000:stream/${await rig.create('by-arn', 2)}`;
    const { client } = rig;
    await client.send(new PutRecordCommand({ StreamARN, PartitionKey: 'k', Data: Buffer.from('d') }));
    const { ShardIterator } = await client.send(new GetShardIteratorCommand({ StreamARN, ShardId: first, ShardIteratorType: 'LATEST' }));
    await client.send(new GetRecordsCommand({ StreamARN, ShardIterator }));
    const other = new GetRecordsCommand({ StreamARN: StreamARN.replace('by-arn', 's'), ShardIterator });
    await assert.rejects(client.send(other), awsError('InvalidArgumentException'));
    await client.send(new SplitShardCommand({ StreamARN, ShardToSplit: first, NewStartingHashKey: '9' }));
    await client.send(
      new MergeShardsCommand({ StreamARN, ShardToMerge: 'shardId-000000000002', AdjacentShardToMerge: 'shardId-000000000003' }),
    );
    assert.equal((await client.send(new ListShardsCommand({ StreamARN }))).Shards?.length, 5);
  });

  it('asks for a position in words that fit together', async () => {
    const ask = (input: object) =>
      rig.client.send(new GetShardIteratorCommand({ StreamName: 's', ShardId: first, ShardIteratorType: 'LATEST', ...input }));
    const { Records } = await rig.put('s', [{ key: 'k', data: 'd', hashKey: '0' }]);
    const StartingSequenceNumber = Records?.[0]?.SequenceNumber ?? '';
    const unissued = String(BigInt(StartingSequenceNumber) + (1n << 90n));
    for (const [input, message] of [
      [{ ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, /Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber\.$/],
      [{ StartingSequenceNumber }, /Request specified LATEST and also a StartingSequenceNumber\.$/],
      [{ ShardIteratorType: 'TRIM_HORIZON', StartingSequenceNumber }, /Request specified TRIM_HORIZON and also/],
      [{ ShardIteratorType: 'AT_TIMESTAMP' }, /^Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP\./],
      [{ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: '5' }, /is invalid because it did not come from this stream\.$/],
      [{ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: unissued }, /account 000000000000 is invalid\.$/],
    ] as const) {
      await assert.rejects(ask(input), awsError('InvalidArgumentException', message), JSON.stringify(input));
    }
    await ask({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber });
    const nowhere = /^Shard shardId-000000000009 in stream s under account 000000000000 does not exist$/;
    await assert.rejects(ask({ ShardId: 'shardId-000000000009' }), awsError('ResourceNotFoundException', nowhere));
  });

  it('tells when an expired iterator was made, as AWS writes a time', async () => {
    const own = await Rig.start({ limits: false });
    try {
      await own.create('s', 1);
      const iterator = await own.iterator('s', first);
      own.pass(300_001);
      assert.equal(new Date(startMs).toISOString(), '2026-09-21T14:13:20.123Z');
      const message =
        'Iterator expired. The iterator was created at time Mon Sep 21 14:13:20 UTC 2026 while right now it is Mon Sep 21 14:18:20 UTC 2026 which is further in the future than the tolerated delay of 300000 milliseconds.';
      await assert.rejects(own.get(iterator), { name: 'ExpiredIteratorException', message });
    } finally {
      await own.stop();
    }
  });

  it('lists shards of the stream that was created when it says', async () => {
    const list = (seconds: number) =>
      rig.client.send(new ListShardsCommand({ StreamName: 's', StreamCreationTimestamp: new Date(startMs + seconds * 1_000) }));
    assert.equal((await list(0)).Shards?.length, 2);
    await assert.rejects(list(-1), awsError('ResourceNotFoundException'));
    await assert.rejects(
      rig.client.send(new ListShardsCommand({})),
      awsError('InvalidArgumentException', /^Either NextToken or StreamName/),
    );
  });

  it('has at most 1,000 shards in a page, 1,000 in the account, and 50 on-demand streams with limits on', async () => {
    await rig.create('wide', 995);
    const page = await rig.client.send(new ListShardsCommand({ StreamName: 'wide', MaxResults: 10_000 }));
    assert.equal(page.Shards?.length, 995);
    await assert.rejects(
      rig.create('too-wide', 100),
      awsError(
        'LimitExceededException',
        /shard limit for the account 000000000000 in us-east-1\. .* Limit: 1000\. .* request: 100\. Refer to/,
      ),
    );
    const limited = await Rig.start();
    try {
      for (let i = 0; i < 51; i++) {
        limited.pass(1_000);
        const create = limited.client.send(
          new CreateStreamCommand({ StreamName: `s${i}`, StreamModeDetails: { StreamMode: 'ON_DEMAND' } }),
        );
        if (i < 50) await create;
        else await assert.rejects(create, awsError('LimitExceededException', /Current On-Demand streams count: 50\. Limit: 50\.$/));
      }
    } finally {
      await limited.stop();
    }
  });
});
