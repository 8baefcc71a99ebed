import assert from 'node:assert/strict';
import {
  AddTagsToStreamCommand,
  DeleteStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListShardsCommand,
  ListStreamConsumersCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  RegisterStreamConsumerCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, Rig, textOf } from './rig.ts';

const delayMs = 1_000;
const first = 'shardId-000000000000';

describe('local Kinesis: the status of a stream', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start({ limits: false, statusDelayMs: delayMs });
    await rig.create('s', 2);
  });
  afterEach(() => rig.stop());

  const StreamName = 's';
  const changes = {
    split: () => rig.client.send(new SplitShardCommand({ StreamName, ShardToSplit: first, NewStartingHashKey: '5' })),
    merge: () => rig.client.send(new MergeShardsCommand({ StreamName, ShardToMerge: first, AdjacentShardToMerge: 'shardId-000000000001' })),
    count: () => rig.client.send(new UpdateShardCountCommand({ StreamName, TargetShardCount: 4, ScalingType: 'UNIFORM_SCALING' })),
    retention: () => rig.client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 })),
    tags: () => rig.client.send(new AddTagsToStreamCommand({ StreamName, Tags: { a: 'b' } })),
    delete: () => rig.client.send(new DeleteStreamCommand({ StreamName })),
  };
  const status = async () =>
    (await rig.client.send(new DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary?.StreamStatus;
  const assertNoChange = async (state: string) => {
    const expected = `Stream s under account 000000000000 not ACTIVE, instead in state ${state}`;
    for (const [what, change] of Object.entries(changes)) {
      await assert.rejects(change(), { name: 'ResourceInUseException', message: expected }, what);
    }
  };
  const isOpen = (shard: { SequenceNumberRange?: { EndingSequenceNumber?: string | undefined } | undefined }) =>
    shard.SequenceNumberRange?.EndingSequenceNumber === undefined;

  it('is CREATING without shards until the delay is over, then ACTIVE', async () => {
    rig.pass(delayMs - 1);
    const { StreamDescription } = await rig.client.send(new DescribeStreamCommand({ StreamName }));
    assert.deepEqual([StreamDescription?.StreamStatus, StreamDescription?.Shards], ['CREATING', []]);
    const { StreamSummaries } = await rig.client.send(new ListStreamsCommand({}));
    assert.equal(StreamSummaries?.[0]?.StreamStatus, 'CREATING');
    await assert.rejects(rig.put('s', [{ key: 'k', data: 'd' }]), awsError('ResourceNotFoundException', /^Stream s .*not found\.$/));
    await assert.rejects(rig.iterator('s', first), awsError('ResourceNotFoundException'));
    await assert.rejects(rig.client.send(new ListShardsCommand({ StreamName })), awsError('ResourceInUseException'));
    await assert.rejects(rig.create('s', 1), awsError('ResourceInUseException', /already exists/));
    await assertNoChange('CREATING');
    rig.pass(1);
    assert.equal(await status(), 'ACTIVE');
    assert.equal((await rig.shards('s')).length, 2);
    await rig.put('s', [{ key: 'k', data: 'd' }]);
  });

  for (const [what, opened] of [
    ['split', 3],
    ['merge', 1],
    ['count', 4],
  ] as const) {
    it(`is UPDATING after ${what}: puts and reads go on, no other change; the shards change at the end`, async () => {
      rig.pass(delayMs);
      await changes[what]();
      await assertNoChange('UPDATING');
      rig.pass(delayMs - 1);
      assert.equal(await status(), 'UPDATING');
      const { Records } = await rig.put('s', [{ key: 'k', data: 'meanwhile', hashKey: '7' }]);
      assert.equal(Records?.[0]?.ShardId, first);
      assert.deepEqual((await rig.read('s', first)).map(textOf), ['meanwhile']);
      assert.equal((await rig.shards('s')).length, 2);
      rig.pass(1);
      assert.equal(await status(), 'ACTIVE');
      assert.equal((await rig.shards('s')).filter(isOpen).length, opened);
    });
  }

  it('is DELETING until the delay is over, then the stream is gone and its name free', async () => {
    rig.pass(delayMs);
    await changes.delete();
    rig.pass(delayMs - 1);
    assert.equal(await status(), 'DELETING');
    await assertNoChange('DELETING');
    await assert.rejects(rig.create('s', 1), awsError('ResourceInUseException'));
    rig.pass(1);
    await assert.rejects(status(), awsError('ResourceNotFoundException'));
    await rig.create('s', 1);
  });

  it('is DELETING with its consumers, which must go first unless their deletion is enforced', async () => {
    rig.pass(delayMs);
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
    await rig.client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName: 'c' }));
    rig.pass(delayMs);
    await assert.rejects(changes.delete(), awsError('ResourceInUseException', /registered consumers/));
    await rig.client.send(new DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
    const { Consumers } = await rig.client.send(new ListStreamConsumersCommand({ StreamARN }));
    assert.equal(Consumers?.[0]?.ConsumerStatus, 'DELETING');
    rig.pass(delayMs);
    await assert.rejects(status(), awsError('ResourceNotFoundException'));
  });

  it('lets five streams at a time be CREATING or DELETING, with limits on', async () => {
    const limited = await Rig.start({ statusDelayMs: 60_000 });
    try {
      for (const name of ['a', 'b', 'c', 'd', 'e']) await limited.create(name, 1);
      limited.pass(1_000);
      await assert.rejects(
        limited.create('f', 1),
        awsError('LimitExceededException', /simultaneously be in CREATING or DELETING .* Limit: 5\.$/),
      );
      limited.pass(59_000);
      await limited.create('f', 1);
    } finally {
      await limited.stop();
    }
  });
});
