import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DescribeLimitsCommand,
  DescribeStreamSummaryCommand,
  GetShardIteratorCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListStreamsCommand,
} from '@aws-sdk/client-kinesis';
import { operations } from '../../../../scripts/local/kinesis/operations/index.ts';
import { CallRates, callLimits } from '../../../../scripts/local/kinesis/store/call-limits.ts';
import { awsError, Rig } from './rig.ts';

const first = 'shardId-000000000000';

describe('local Kinesis: calls a second', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
    await rig.create('s', 2);
    await rig.create('other', 1);
    rig.pass(10_000);
  });
  afterEach(() => rig.stop());

  /** Makes `allowed` calls, expects the next to be refused, and those after it to be taken a second later. */
  async function assertAllowed(allowed: number, call: () => Promise<unknown>, refused: (error: unknown) => boolean): Promise<void> {
    for (let second = 0; second < 2; second++) {
      for (let i = 0; i < allowed; i++) await call();
      await assert.rejects(call(), refused);
      rig.pass(1_000);
    }
  }

  it('are those of the account, whatever the stream', async () => {
    const summarise = (StreamName: string) => rig.client.send(new DescribeStreamSummaryCommand({ StreamName }));
    let n = 0;
    await assertAllowed(
      20,
      () => summarise(n++ % 2 === 0 ? 's' : 'other'),
      awsError('LimitExceededException', /^Rate exceeded for stream (s|other) under account 000000000000\.$/),
    );
    const none = awsError('LimitExceededException', /^Rate exceeded for account 000000000000\.$/);
    await assertAllowed(5, () => rig.client.send(new ListStreamsCommand({})), none);
    await assertAllowed(1, () => rig.client.send(new DescribeLimitsCommand({})), none);
    await assertAllowed(5, () => rig.client.send(new CreateStreamCommand({ StreamName: `new-${n++}`, ShardCount: 1 })), none);
  });

  it('are those of each stream, for operations that AWS counts so', async () => {
    const increase = (StreamName: string) =>
      rig.client.send(new IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 }));
    for (const name of ['s', 'other']) {
      for (let i = 0; i < 5; i++) await increase(name);
      await assert.rejects(increase(name), awsError('LimitExceededException', new RegExp(`stream ${name} `)));
    }
  });

  it('are 1,000 of ListShards a stream', () => {
    const rates = new CallRates();
    const [one, other] = [{}, {}];
    const { perSecond, per } = callLimits['ListShards'] ?? {};
    assert.deepEqual([perSecond, per], [1_000, 'stream']);
    const taken = (of: object) => Array.from({ length: 1_001 }, () => rates.take(of, 'ListShards', 1_000, 5)).filter(Boolean).length;
    assert.deepEqual([taken(one), taken(other)], [1_000, 1_000]);
  });

  it('are 5 of GetShardIterator a shard, refused as throughput; a call that is wrong does not count', async () => {
    const ask = (ShardId: string, type: 'LATEST' | 'AT_SEQUENCE_NUMBER' = 'LATEST') =>
      rig.client.send(new GetShardIteratorCommand({ StreamName: 's', ShardId, ShardIteratorType: type }));
    await assert.rejects(ask(first, 'AT_SEQUENCE_NUMBER'), awsError('InvalidArgumentException'));
    await assertAllowed(
      5,
      () => ask(first),
      awsError('ProvisionedThroughputExceededException', /^Rate exceeded for shard shardId-000000000000 in stream s under account/),
    );
    for (let i = 0; i < 5; i++) await ask(first);
    await ask('shardId-000000000001');
  });

  it('are unlimited without limits', async () => {
    const free = await Rig.start({ limits: false });
    try {
      for (let i = 0; i < 12; i++) await free.create(`s${i}`, 1);
      for (let i = 0; i < 12; i++) await free.iterator('s0', first);
    } finally {
      await free.stop();
    }
  });

  it('are given for operations that there are', () => {
    assert.deepEqual(
      Object.keys(callLimits).filter((name) => !operations.has(name)),
      [],
    );
  });
});
