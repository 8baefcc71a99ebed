import assert from 'node:assert/strict';
import { textOf, transports } from '../rig.ts';
import { FanoutRig } from './fanout-rig.ts';

for (const transport of transports) {
  describe(`Local Kinesis, SubscribeToShard over ${transport}`, () => {
    let rig: FanoutRig;
    beforeEach(async () => {
      rig = await FanoutRig.open({ transport });
    });
    afterEach(() => rig.stop());

    it('pushes what lies in the shard, then what is appended, as it is appended', async () => {
      await rig.put('s', [{ key: 'a', data: 'one' }]);
      const reader = await rig.subscribe({ Type: 'TRIM_HORIZON' });
      assert.deepEqual((await reader.next())?.Records?.map(textOf), ['one']);
      await rig.put('s', [
        { key: 'a', data: 'two' },
        { key: 'b', data: 'three' },
      ]);
      const event = await reader.next();
      assert.deepEqual(event?.Records?.map(textOf), ['two', 'three']);
      assert.equal(event?.MillisBehindLatest, 0);
    });

    it('tells progress every 5 s when nothing comes, and ends cleanly after 5 minutes', async () => {
      const reader = await rig.subscribe({ Type: 'LATEST' });
      const first = await reader.next();
      assert.deepEqual(first?.Records, []);
      rig.pass(5_000);
      assert.equal((await reader.next())?.MillisBehindLatest, 0);
      rig.pass(295_000);
      await reader.next();
      assert.equal(await reader.next(), undefined);
    });

    it('ends a shard with its children and no number to continue at', async () => {
      await rig.put('s', [{ key: 'a', data: 'last' }]);
      const reader = await rig.subscribe({ Type: 'LATEST' });
      await reader.next();
      await rig.reshard(2);
      const event = await reader.next();
      assert.equal(event?.ContinuationSequenceNumber, undefined);
      assert.deepEqual(
        event?.ChildShards?.map(({ ParentShards }) => ParentShards),
        [[rig.shardId], [rig.shardId]],
      );
      assert.equal(await reader.next(), undefined);
    });
  });
}
