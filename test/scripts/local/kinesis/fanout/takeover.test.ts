import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { DeleteStreamCommand, DeregisterStreamConsumerCommand } from '@aws-sdk/client-kinesis';
import { awsError, textOf, transports } from '../rig.ts';
import { FanoutRig } from './fanout-rig.ts';

const inUse = awsError('ResourceInUseException', /Another active subscription exists for this consumer: \d{12}:s:shardId-\d{12}:reader/);
const latest = { Type: 'LATEST' } as const;

for (const transport of transports) {
  describe(`Local Kinesis, one subscription per consumer and shard, over ${transport}`, () => {
    let rig: FanoutRig;
    beforeEach(async () => {
      rig = await FanoutRig.open({ transport });
    });
    afterEach(() => rig.stop());

    it('refuses a second one within 5 s, and lets a later one take over', async () => {
      const first = await rig.subscribe(latest);
      rig.pass(3_999);
      await assert.rejects(rig.subscribe(latest), inUse);
      rig.pass(1_001);
      const second = await rig.subscribe(latest);
      await assert.rejects(first.rest(), inUse);
      await rig.put('s', [{ key: 'k', data: 'for the second' }]);
      assert.deepEqual(await second.texts(1), ['for the second']);
    });

    it('counts from the call, whether its subscription is still there or not', async () => {
      await (await rig.subscribe(latest)).leave();
      rig.pass(4_000);
      await assert.rejects(rig.subscribe(latest), inUse);
      rig.pass(1_000);
      await rig.subscribe(latest);
    });

    it('leaves other shards and other consumers alone', async () => {
      await rig.reshard(2);
      const other = await rig.register('other');
      const shards = (await rig.shards('s')).slice(1);
      const readers = [];
      for (const { ShardId } of shards) {
        for (const arn of [rig.consumerArn, other]) readers.push(await rig.subscribe(latest, ShardId, arn));
      }
      await rig.put(
        's',
        shards.map(({ ShardId, HashKeyRange }) => ({ key: 'k', data: ShardId ?? '', hashKey: HashKeyRange?.StartingHashKey ?? '' })),
      );
      const expected = shards.flatMap(({ ShardId }) => [[ShardId], [ShardId]]);
      assert.deepEqual(await Promise.all(readers.map((reader) => reader.texts(1))), expected);
    });

    it('allows one call per second, refused ones counted', async () => {
      await rig.subscribe(latest);
      rig.pass(4_500);
      await assert.rejects(rig.subscribe(latest), inUse);
      rig.pass(999);
      await assert.rejects(
        rig.subscribe(latest),
        awsError('LimitExceededException', /Rate exceeded for consumer arn:.* and shard shardId-/),
      );
      rig.pass(1);
      await rig.subscribe(latest);
    });

    it('ends with an error when the consumer is deregistered or the stream deleted', async () => {
      const first = await rig.subscribe(latest);
      await rig.client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: rig.consumerArn }));
      await assert.rejects(first.rest(), awsError('ResourceNotFoundException', /Consumer arn:.* not found/));
      const second = await rig.subscribe(latest, rig.shardId, await rig.register('second'));
      await rig.put('s', [{ key: 'k', data: 'before the end' }]);
      assert.deepEqual(await second.texts(1), ['before the end']);
      await rig.client.send(new DeleteStreamCommand({ StreamName: 's', EnforceConsumerDeletion: true }));
      await assert.rejects(second.rest(), awsError('ResourceNotFoundException', /Stream s under account \d+ not found/));
    });

    it('ends cleanly, with all that was pushed, when the server closes', async () => {
      const reader = await rig.subscribe(latest);
      await rig.put('s', [{ key: 'k', data: 'delivered' }]);
      const rest = reader.rest();
      await rig.server.close();
      assert.deepEqual(
        (await rest).flatMap(({ Records }) => Records?.map(textOf)),
        ['delivered'],
      );
    });
  });
}

describe('Local Kinesis without limits, one subscription per consumer and shard', () => {
  it('does not count calls, yet keeps a subscription for 5 s', async () => {
    const rig = await FanoutRig.open({ limits: false });
    const first = await rig.subscribe(latest);
    rig.pass(4_999);
    await assert.rejects(rig.subscribe(latest), inUse);
    rig.pass(1);
    await rig.subscribe(latest);
    await assert.rejects(first.rest(), inUse);
    await rig.stop();
  });

  it('lets a call take over although the clock was put back', async () => {
    const rig = await FanoutRig.open();
    rig.pass(3_600_000);
    const first = await rig.subscribe(latest);
    rig.pass(-3_599_000);
    await rig.subscribe(latest);
    await assert.rejects(first.rest(), inUse);
    await rig.stop();
  });

  it('tells who lost it before his own answer went out', async () => {
    const rig = await FanoutRig.open({
      limits: false,
      faults: [{ kind: 'slow', delayMs: 6_000, operations: ['SubscribeToShard'], times: 1 }],
    });
    const { pending } = rig.clock;
    const first = rig.subscribe(latest);
    while (rig.clock.pending === pending) await turn();
    rig.pass(5_000);
    const second = await rig.subscribe(latest);
    rig.pass(1_000);
    await assert.rejects((await first).rest(), inUse);
    await rig.put('s', [{ key: 'k', data: 'for the second' }]);
    assert.deepEqual(await second.texts(1), ['for the second']);
    await rig.stop();
  });
});
