import assert from 'node:assert/strict';
import { GetRecordsCommand, GetShardIteratorCommand, SubscribeToShardCommand } from '@aws-sdk/client-kinesis';
import { FanoutRig } from '../fanout/fanout-rig.ts';
import { awsError, textOf, transports } from '../rig.ts';
import { SideClient, until } from '../side/client.ts';

for (const transport of transports) {
  describe(`local Kinesis: faults that strike readers, over ${transport}`, () => {
    let rig: FanoutRig;
    let side: SideClient;
    let sequences: string[];
    beforeEach(async () => {
      rig = await FanoutRig.open({ limits: false, transport });
      side = new SideClient(rig.server.endpoint);
      const records = Array.from({ length: 10 }, (_, i) => ({ key: 'k', data: String(i) }));
      sequences = ((await rig.put('s', records)).Records ?? []).map(({ SequenceNumber }) => SequenceNumber ?? '');
    });
    afterEach(() => rig.stop());

    const first = async (input: Parameters<FanoutRig['iterator']>[2]): Promise<string | undefined> => {
      const { Records } = await rig.get(await rig.iterator('s', rig.shardId, input));
      return Records?.map(textOf).join('');
    };
    const sequence = (i: number): string => sequences[i] ?? '';

    it('gives records before its place again to a reader that says where it stands', async () => {
      await side.set({ kind: 'duplicate', records: 3 });
      const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequence(5) } as const;
      assert.equal(await first(at), '23456789');
      assert.equal(await first({ ...at, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' }), '3456789');
      assert.equal(await first({ ...at, StartingSequenceNumber: sequence(1) }), '0123456789');
      assert.equal(await first({ ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: sequence(9) }), '789');
      assert.deepEqual(await side.counts(), [[4, 4]]);
      assert.equal(await first({ ShardIteratorType: 'LATEST' }), '');
      assert.equal(await first({ ShardIteratorType: 'TRIM_HORIZON' }), '0123456789');
      assert.deepEqual(await side.counts(), [[4, 4]], 'no sequence number was named');
      await side.clear();
      assert.equal(await first(at), '56789');
    });

    it('does not use itself up on calls that give no place: dry runs and refused ones', async () => {
      await side.set({ kind: 'duplicate', records: 3, times: 1 });
      const at = { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequence(5) } as const;
      const command = { StreamName: 's', ShardId: rig.shardId, ...at };
      await assert.rejects(
        rig.client.send(new GetShardIteratorCommand({ ...command, DryRun: true })),
        awsError('DryRunOperationException'),
      );
      const StartingPosition = { Type: 'AT_SEQUENCE_NUMBER', SequenceNumber: sequence(5) } as const;
      const subscribe = { ConsumerARN: rig.consumerArn, ShardId: rig.shardId, StartingPosition, DryRun: true };
      await assert.rejects(rig.client.send(new SubscribeToShardCommand(subscribe)), awsError('DryRunOperationException'));
      await side.call('POST', 'limits', { limits: true });
      const latest = () => rig.iterator('s', rig.shardId, { ShardIteratorType: 'LATEST' });
      for (let i = 0; i < 5; i++) await latest();
      await assert.rejects(rig.client.send(new GetShardIteratorCommand(command)), awsError('ProvisionedThroughputExceededException'));
      assert.deepEqual(await side.counts(), [[0, 0]]);
      rig.pass(1_000);
      assert.equal(await first(at), '23456789');
    });

    it('gives them to the subscriptions of one consumer alone', async () => {
      await side.set({ kind: 'duplicate', records: 2, consumer: 'other' });
      const position = { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: sequence(7) } as const;
      const other = await rig.register('other');
      const readers = [await rig.subscribe(position), await rig.subscribe(position, rig.shardId, other)];
      const texts = await Promise.all(readers.map(async (reader) => (await reader.next())?.Records?.map(textOf).join('')));
      assert.deepEqual(texts, ['89', '6789']);
      assert.equal(await first({ ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: sequence(7) }), '789');
      await Promise.all(readers.map((reader) => reader.leave()));
    });

    it('sticks a shard: reads answer nothing while they fall behind, and go on where they stood', async () => {
      let iterator: string | undefined = await rig.iterator('s', rig.shardId);
      await side.set({ kind: 'stuck', forMs: 3_000 });
      for (const behind of [1, 1_000, 2_000]) {
        const answer = await rig.get(iterator);
        assert.deepEqual([answer.Records, answer.MillisBehindLatest], [[], behind]);
        iterator = answer.NextShardIterator;
        rig.pass(1_000);
      }
      const answer = await rig.get(iterator);
      assert.deepEqual(answer.Records?.map(textOf).join(''), '0123456789');
      assert.deepEqual((await side.faults())[0]?.state, 'over');
    });

    it('does not end a stuck shard before its records were read', async () => {
      const iterator = await rig.iterator('s', rig.shardId);
      await side.set({ kind: 'stuck', times: 1 });
      await rig.reshard(2);
      const stuck = await rig.get(iterator);
      assert.deepEqual([stuck.Records?.length, stuck.ChildShards], [0, undefined]);
      const answer = await rig.get(stuck.NextShardIterator);
      assert.deepEqual([answer.Records?.length, answer.NextShardIterator, answer.ChildShards?.length], [10, undefined, 2]);
    });

    it('keeps a subscription silent until the fault is over, then pushes all', async () => {
      await side.set({ kind: 'stuck', operations: ['SubscribeToShard'] });
      const reader = await rig.subscribe({ Type: 'TRIM_HORIZON' });
      let told = false;
      const event = reader.next().then((next) => {
        told = true;
        return next;
      });
      rig.pass(20_000);
      assert.equal(await first({ ShardIteratorType: 'TRIM_HORIZON' }), '0123456789', 'reads by iterator are not struck');
      assert.equal(told, false);
      await side.clear();
      rig.pass(5_000);
      assert.equal((await event)?.Records?.map(textOf).join(''), '0123456789');
      await reader.leave();
    });

    it('holds no slow answer for a reader that has left', async () => {
      await side.set({ kind: 'slow', operations: ['GetRecords', 'SubscribeToShard'], delayMs: 3_600_000 });
      const iterator = await rig.iterator('s', rig.shardId);
      const before = rig.clock.pending;
      const leaving = new AbortController();
      const options = { abortSignal: leaving.signal };
      const subscribe = { ConsumerARN: rig.consumerArn, ShardId: rig.shardId, StartingPosition: { Type: 'LATEST' } } as const;
      const calls = [
        rig.client.send(new GetRecordsCommand({ ShardIterator: iterator }), options),
        rig.client.send(new SubscribeToShardCommand(subscribe), options),
      ];
      await until(async () => rig.clock.pending === before + calls.length);
      leaving.abort();
      for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
      await until(async () => rig.clock.pending === before);
    });

    it('strikes subscriptions as other requests, and leaves the next one whole', async () => {
      await side.set(
        { kind: 'throttle', operations: ['SubscribeToShard'], times: 1 },
        { kind: 'lost', consumer: 'reader', times: 1 },
        { kind: 'slow', consumer: 'reader', delayMs: 60_000, after: 1, times: 1 },
      );
      const position = { Type: 'TRIM_HORIZON' } as const;
      await assert.rejects(
        rig.subscribe(position),
        awsError('LimitExceededException', /^Rate exceeded for stream s under account 0{12}\.$/),
      );
      await assert.rejects(rig.subscribe(position));
      rig.pass(6_000); // the lost one counts as active for 5 s, as any other
      const slow = rig.subscribe(position);
      await until(async () => (await side.counts())[2]?.[1] === 1);
      rig.pass(60_000);
      const reader = await slow;
      assert.equal((await reader.next())?.Records?.length, 10);
      await reader.leave();
      assert.deepEqual(await side.counts(), [
        [1, 1],
        [1, 1],
        [2, 1],
      ]);
    });
  });
}
