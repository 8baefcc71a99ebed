import assert from 'node:assert/strict';
import {
  DescribeStreamCommand,
  ListShardsCommand,
  type ListShardsCommandInput,
  type ShardFilter,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, Rig, startMs } from './rig.ts';

const idOf = (n: number): string => `shardId-${String(n).padStart(12, '0')}`;

describe('local Kinesis: the list of shards', () => {
  let rig: Rig;

  /** 0, 1 from the start; 2–5 split from them after 10 s; 6, 7 merged from those after 20 s. */
  before(async () => {
    rig = await Rig.start();
    await rig.create('s', 2);
    for (const target of [4, 2]) {
      rig.pass(10_000);
      await rig.client.send(new UpdateShardCountCommand({ StreamName: 's', TargetShardCount: target, ScalingType: 'UNIFORM_SCALING' }));
    }
    rig.pass(10_000);
  });
  after(() => rig.stop());

  const numbers = (ids: readonly (string | undefined)[]): number[] => ids.map((id) => Number(id?.slice(-12)));
  const list = async (input: ListShardsCommandInput) => {
    const answer = await rig.client.send(new ListShardsCommand(input));
    return { found: numbers((answer.Shards ?? []).map(({ ShardId }) => ShardId)), token: answer.NextToken };
  };
  const at = (seconds: number) => new Date(startMs + seconds * 1_000);

  const filters: readonly (readonly [what: string, filter: ShardFilter, expected: readonly number[]])[] = [
    ['AFTER_SHARD_ID', { Type: 'AFTER_SHARD_ID', ShardId: idOf(4) }, [5, 6, 7]],
    ['AT_TRIM_HORIZON', { Type: 'AT_TRIM_HORIZON' }, [0, 1]],
    ['FROM_TRIM_HORIZON', { Type: 'FROM_TRIM_HORIZON' }, [0, 1, 2, 3, 4, 5, 6, 7]],
    ['AT_LATEST', { Type: 'AT_LATEST' }, [6, 7]],
    ['AT_TIMESTAMP before the stream', { Type: 'AT_TIMESTAMP', Timestamp: at(-5) }, [0, 1]],
    ['AT_TIMESTAMP before the split', { Type: 'AT_TIMESTAMP', Timestamp: at(5) }, [0, 1]],
    ['AT_TIMESTAMP of the split', { Type: 'AT_TIMESTAMP', Timestamp: at(10) }, [2, 3, 4, 5]],
    ['AT_TIMESTAMP after the merge', { Type: 'AT_TIMESTAMP', Timestamp: at(25) }, [6, 7]],
    ['FROM_TIMESTAMP after the split', { Type: 'FROM_TIMESTAMP', Timestamp: at(15) }, [2, 3, 4, 5, 6, 7]],
    ['FROM_TIMESTAMP after the merge', { Type: 'FROM_TIMESTAMP', Timestamp: at(25) }, [6, 7]],
  ];
  for (const [what, filter, expected] of filters) {
    it(`filters ${what}`, async () => {
      assert.deepEqual((await list({ StreamName: 's', ShardFilter: filter })).found, expected);
    });
  }

  it('lists all shards without a filter', async () => {
    assert.deepEqual((await list({ StreamName: 's' })).found, [0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('comes in pages, the filter going on through their tokens', async () => {
    const first = await list({ StreamName: 's', MaxResults: 2, ShardFilter: { Type: 'AT_TIMESTAMP', Timestamp: at(15) } });
    const second = await list({ NextToken: first.token, MaxResults: 1 });
    const third = await list({ NextToken: second.token });
    assert.deepEqual([first.found, second.found, third.found, third.token], [[2, 3], [4], [5], undefined]);
  });

  it('starts after ExclusiveStartShardId', async () => {
    assert.deepEqual((await list({ StreamName: 's', ExclusiveStartShardId: idOf(5) })).found, [6, 7]);
  });

  it('refuses a token with a stream name beside it, a made-up one, and one older than 5 minutes', async () => {
    const { token } = await list({ StreamName: 's', MaxResults: 1 });
    await assert.rejects(list({ StreamName: 's', NextToken: token }), awsError('InvalidArgumentException', /together/));
    await assert.rejects(list({ NextToken: `${token?.slice(0, -4)}AAAA` }), awsError('InvalidArgumentException'));
    rig.pass(300_001);
    await assert.rejects(list({ NextToken: token }), awsError('ExpiredNextTokenException'));
  });

  it('refuses filters that lack or overdo their parameters, or lie in the future', async () => {
    for (const [filter, error] of [
      [{ Type: 'AFTER_SHARD_ID' }, 'ValidationException'],
      [{ Type: 'AT_TIMESTAMP' }, 'ValidationException'],
      [{ Type: 'AT_LATEST', ShardId: idOf(1) }, 'InvalidArgumentException'],
      [{ Type: 'AT_LATEST', Timestamp: at(1) }, 'InvalidArgumentException'],
      [{ Type: 'AT_TIMESTAMP', Timestamp: at(86_400) }, 'InvalidArgumentException'],
    ] as const) {
      await assert.rejects(list({ StreamName: 's', ShardFilter: filter }), awsError(error), JSON.stringify(filter));
    }
  });

  it('comes in pages of at most 100 of DescribeStream', async () => {
    await rig.create('wide', 101);
    const { StreamDescription: wide } = await rig.client.send(new DescribeStreamCommand({ StreamName: 'wide', Limit: 10_000 }));
    assert.deepEqual([wide?.Shards?.length, wide?.HasMoreShards], [100, true]);
  });

  it('comes in pages of DescribeStream too', async () => {
    const page = async (after?: string) => {
      const input = { StreamName: 's', Limit: 5, ...(after === undefined ? {} : { ExclusiveStartShardId: after }) };
      const { StreamDescription: answer } = await rig.client.send(new DescribeStreamCommand(input));
      return [numbers((answer?.Shards ?? []).map(({ ShardId }) => ShardId)), answer?.HasMoreShards];
    };
    assert.deepEqual(await page(), [[0, 1, 2, 3, 4], true]);
    assert.deepEqual(await page(idOf(4)), [[5, 6, 7], false]);
  });
});
