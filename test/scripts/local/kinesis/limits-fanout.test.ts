import assert from 'node:assert/strict';
import { FanoutRig, type Reader } from './fanout/fanout-rig.ts';
import { awsError } from './rig.ts';

const records = 6;
const recordBytes = 1_048_575; // 1 MiB with its key

describe('local Kinesis: pollers and subscribers of one shard', () => {
  let rig: FanoutRig;
  beforeEach(async () => {
    rig = await FanoutRig.open();
    for (let i = 0; i < records; i++) {
      const { FailedRecordCount } = await rig.put('s', [{ key: 'k', data: Buffer.alloc(recordBytes, i) }]);
      assert.equal(FailedRecordCount, 0);
      rig.pass(1_000);
    }
  });
  afterEach(() => rig.stop());

  /** The first bytes of the next records; throws when what comes is more than so many. */
  const next = async (reader: Reader, count: number): Promise<(number | undefined)[]> => {
    const found: (number | undefined)[] = [];
    while (found.length < count) found.push(...((await reader.next())?.Records ?? []).map(({ Data }) => Data?.[0]));
    return found;
  };
  const throttled = (iterator: string | undefined) =>
    assert.rejects(rig.get(iterator), awsError('ProvisionedThroughputExceededException', /^Rate exceeded for shard/));

  it('have 2 MiB a second each, and what one takes is not missing to another', async () => {
    const subscribers = [
      await rig.subscribe({ Type: 'TRIM_HORIZON' }),
      await rig.subscribe({ Type: 'TRIM_HORIZON' }, rig.shardId, await rig.register('another')),
    ];
    for (const subscriber of subscribers) assert.deepEqual(await next(subscriber, 2), [0, 1]);

    let answer = await rig.get(await rig.iterator('s', rig.shardId), 4);
    assert.equal(answer.Records?.length, 4, 'a poll is answered although both subscribers have had their second');
    await throttled(answer.NextShardIterator);
    const pending = subscribers.map((subscriber) => next(subscriber, 2));
    rig.pass(999);
    const early = await Promise.race([...pending, new Promise((resolve) => setTimeout(resolve, 30, 'none'))]);
    assert.equal(early, 'none');

    rig.pass(1);
    for (const found of await Promise.all(pending)) assert.deepEqual(found, [2, 3]);
    await throttled(answer.NextShardIterator); // 4 MiB: 2 s
    rig.pass(1_000);
    answer = await rig.get(answer.NextShardIterator, 4);
    assert.equal(answer.Records?.length, 2, 'the subscribers took nothing of it');
    for (const subscriber of subscribers) assert.deepEqual(await next(subscriber, 2), [4, 5]);
  });

  it('have 5 GetRecords a second beside any number of events', async () => {
    const subscriber = await rig.subscribe({ Type: 'LATEST' });
    const latest = await rig.iterator('s', rig.shardId, { ShardIteratorType: 'LATEST' });
    for (let i = 0; i < 20; i++) {
      await rig.put('s', [{ key: 'k', data: Buffer.from([i]) }]);
      assert.deepEqual(await next(subscriber, 1), [i]);
    }
    for (let i = 0; i < 5; i++) assert.equal((await rig.get(latest)).Records?.length, 20);
    await throttled(latest);
    await rig.put('s', [{ key: 'k', data: Buffer.from([20]) }]);
    assert.deepEqual(await next(subscriber, 1), [20]);
  });
});
