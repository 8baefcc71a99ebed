import assert from 'node:assert/strict';
import type { StartingPosition } from '@aws-sdk/client-kinesis';
import { awsError, startMs, textOf, transports } from '../rig.ts';
import { FanoutRig } from './fanout-rig.ts';

const one = (data: string) => [{ key: 'k', data }];

for (const transport of transports) {
  describe(`Local Kinesis, SubscribeToShard over ${transport}`, () => {
    let rig: FanoutRig;
    beforeEach(async () => {
      rig = await FanoutRig.open({ transport });
    });
    afterEach(() => rig.stop());

    it('pushes what lies in the shard, then what is appended, one event for one PutRecords', async () => {
      await rig.put('s', one('one'));
      const reader = await rig.subscribe({ Type: 'TRIM_HORIZON' });
      assert.deepEqual((await reader.next())?.Records?.map(textOf), ['one']);
      await rig.put('s', [...one('two'), ...one('three')]);
      const event = await reader.next();
      assert.deepEqual(event?.Records?.map(textOf), ['two', 'three']);
      assert.equal(event?.Records?.[0]?.PartitionKey, 'k');
      assert.equal(event?.Records?.[0]?.ApproximateArrivalTimestamp?.getTime(), startMs);
      assert.equal(event?.MillisBehindLatest, 0);
      assert.equal(event?.ChildShards, undefined);
    });

    it('begins at all five positions', async () => {
      const first = await rig.put('s', one('a'));
      const sequence = first.Records?.[0]?.SequenceNumber ?? '';
      rig.pass(2_000);
      await rig.put('s', one('b'));
      const expected: readonly [StartingPosition, string[]][] = [
        [{ Type: 'TRIM_HORIZON' }, ['a', 'b', 'c']],
        [{ Type: 'LATEST' }, ['c']],
        [{ Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: sequence }, ['a', 'b', 'c']],
        [{ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: sequence }, ['b', 'c']],
        [{ Type: 'AT_TIMESTAMP', Timestamp: new Date(startMs + 1) }, ['b', 'c']],
      ];
      const readers = [];
      for (const [position] of expected) {
        const consumer = await rig.register(`at-${readers.length}`);
        readers.push(await rig.subscribe(position, rig.shardId, consumer));
      }
      await rig.put('s', one('c'));
      for (const [i, [{ Type }, texts]] of expected.entries()) {
        assert.deepEqual(await readers[i]?.texts(texts.length), texts, Type);
      }
    });

    it('tells progress every 5 s when nothing comes, and ends cleanly after 5 minutes', async () => {
      const reader = await rig.subscribe({ Type: 'LATEST' });
      assert.deepEqual((await reader.next())?.Records, []);
      for (let s = 5; s < 300; s += 5) {
        rig.pass(4_999);
        rig.pass(1);
        const event = await reader.next();
        assert.deepEqual([event?.Records?.length, event?.MillisBehindLatest], [0, 0]);
        assert.match(event?.ContinuationSequenceNumber ?? '', /^49\d{54}$/);
      }
      rig.pass(4_999);
      await rig.put('s', one('in time'));
      assert.deepEqual(await reader.texts(1), ['in time']);
      rig.pass(1);
      assert.deepEqual(await reader.rest(), []);
    });

    it('ends a shard with its last records, its children and no number to continue at', async () => {
      const reader = await rig.subscribe({ Type: 'LATEST' });
      await reader.next();
      await rig.put('s', one('last'));
      await rig.reshard(2);
      const events = await reader.rest();
      assert.deepEqual(
        events.flatMap(({ Records }) => Records?.map(textOf)),
        ['last'],
      );
      const end = events.at(-1);
      assert.deepEqual(end?.ContinuationSequenceNumber, undefined);
      assert.deepEqual(end?.MillisBehindLatest, 0);
      const shards = await rig.shards('s');
      assert.deepEqual(
        end?.ChildShards,
        shards.slice(1).map(({ ShardId, HashKeyRange }) => ({ ShardId, ParentShards: [rig.shardId], HashKeyRange })),
      );
    });

    it('answers the end of a closed shard to whoever comes later, wherever he begins', async () => {
      await rig.put('s', one('a'));
      await rig.reshard(2);
      const fromStart = await (await rig.subscribe({ Type: 'TRIM_HORIZON' })).rest();
      assert.deepEqual(
        fromStart.map(({ Records, ChildShards }) => [Records?.map(textOf), ChildShards?.length]),
        [[['a'], 2]],
      );
      rig.pass(5_000);
      const fromEnd = await (await rig.subscribe({ Type: 'LATEST' })).rest();
      assert.deepEqual(
        fromEnd.map(({ Records, ChildShards }) => [Records?.length, ChildShards?.length]),
        [[0, 2]],
      );
    });
  });
}

describe('Local Kinesis, what SubscribeToShard refuses', () => {
  let rig: FanoutRig;
  before(async () => {
    rig = await FanoutRig.open({ limits: false });
    await rig.create('other', 1);
  });
  after(() => rig.stop());

  const cases: readonly [string, () => Promise<unknown>, string, RegExp][] = [
    [
      'a shard that is not there',
      () => rig.subscribe({ Type: 'LATEST' }, 'shardId-000000000009'),
      'ResourceNotFoundException',
      /Could not find shard/,
    ],
    [
      'a consumer that is not there',
      () => rig.subscribe({ Type: 'LATEST' }, rig.shardId, `${rig.consumerArn}0`),
      'ResourceNotFoundException',
      /not found/,
    ],
    ['an ARN that is none', () => rig.subscribe({ Type: 'LATEST' }, rig.shardId, rig.streamArn), 'ValidationException', /consumerARN/],
    [
      'no type',
      () => rig.subscribe({} as StartingPosition),
      'ValidationException',
      /ype' failed to satisfy constraint: Member must not be null/,
    ],
    ['a type that is none', () => rig.subscribe({ Type: 'NOW' as 'LATEST' }), 'ValidationException', /enum value set/],
    ['no sequence number', () => rig.subscribe({ Type: 'AT_SEQUENCE_NUMBER' }), 'InvalidArgumentException', /StartingSequenceNumber/],
    ['no timestamp', () => rig.subscribe({ Type: 'AT_TIMESTAMP' }), 'InvalidArgumentException', /timestamp/],
    [
      'a timestamp to come',
      () => rig.subscribe({ Type: 'AT_TIMESTAMP', Timestamp: new Date(startMs + 1) }),
      'InvalidArgumentException',
      /timestampInMillis/,
    ],
    [
      'a sequence number of no record',
      () => rig.subscribe({ Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: '12345' }),
      'InvalidArgumentException',
      /SubscribeToShard on shard/,
    ],
  ];
  for (const [what, call, name, message] of cases) {
    it(what, () => assert.rejects(call(), awsError(name, message)));
  }

  it('and takes no seat by it', async () => {
    await (await rig.subscribe({ Type: 'LATEST' })).leave();
  });
});
