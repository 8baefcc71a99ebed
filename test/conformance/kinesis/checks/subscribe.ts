import assert from 'node:assert/strict';
import { SplitShardCommand, type StartingPosition, SubscribeToShardCommand } from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { inOrder } from '../hash-keys.ts';
import type { TestStream } from '../session.ts';
import { activeConsumer, Subscription } from '../subscription.ts';

const first = 'shardId-000000000000';
/** "If you call SubscribeToShard again ... within 5 seconds of a successful call, you'll get a ResourceInUseException". */
const takeoverMs = 5_000;

async function subscribed(
  context: Context,
  position?: StartingPosition,
): Promise<{ stream: TestStream; consumer: string; subscription: Subscription }> {
  const stream = await context.stream();
  const consumer = await activeConsumer(context, stream.arn);
  return { stream, consumer, subscription: await Subscription.start(context, consumer, first, position) };
}

const refusedPositions: readonly [string, (now: number) => StartingPosition][] = [
  ['AT_SEQUENCE_NUMBER without SequenceNumber', () => ({ Type: 'AT_SEQUENCE_NUMBER' })],
  ['AT_TIMESTAMP without Timestamp', () => ({ Type: 'AT_TIMESTAMP' })],
  ['AT_TIMESTAMP in the future', (now) => ({ Type: 'AT_TIMESTAMP', Timestamp: new Date(now + 3_600_000) })],
];

export const subscribeChecks: readonly Check[] = [
  {
    id: 'SubscribeToShard: TRIM_HORIZON pushes what is there, in order, and then what comes',
    cites: 'StartingPosition: "TRIM_HORIZON: Start streaming at the last untrimmed record in the shard, which is the oldest data record"',
    async run(context) {
      const stream = await context.stream();
      for (const text of ['0', '1', '2']) await context.put(stream, 'a', text);
      const subscription = await Subscription.start(context, await activeConsumer(context, stream.arn), first);
      await subscription.receive(3);
      await context.put(stream, 'a', '3');
      assert.deepEqual(await subscription.receive(4), ['0', '1', '2', '3']);
    },
  },
  {
    id: 'SubscribeToShard: LATEST pushes only what is put afterwards',
    cites: 'StartingPosition: "LATEST: Start streaming just after the most recent record in the shard"',
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', 'old');
      const subscription = await Subscription.start(context, await activeConsumer(context, stream.arn), first, { Type: 'LATEST' });
      await subscription.until('the first event is there', () => subscription.events[0]);
      await context.put(stream, 'a', 'new');
      assert.deepEqual(await subscription.receive(1), ['new']);
    },
  },
  ...(
    [
      ['AT_SEQUENCE_NUMBER', ['1', '2']],
      ['AFTER_SEQUENCE_NUMBER', ['2']],
    ] as const
  ).map(
    ([Type, expected]): Check => ({
      id: `SubscribeToShard: ${Type} begins ${Type.startsWith('AT') ? 'with' : 'right behind'} that record`,
      cites: `StartingPosition: "${Type}: Start streaming ... the position denoted by the sequence number"`,
      async run(context) {
        const stream = await context.stream();
        const sequences: string[] = [];
        for (const text of ['0', '1', '2']) sequences.push((await context.put(stream, 'a', text)).sequence);
        const position = { Type, SequenceNumber: sequences[1] } as const;
        const subscription = await Subscription.start(context, await activeConsumer(context, stream.arn), first, position);
        assert.deepEqual(await subscription.receive(expected.length), expected);
      },
    }),
  ),
  {
    id: 'SubscribeToShard: AT_TIMESTAMP before all records begins with the oldest',
    cites:
      'StartingPosition, Timestamp: "If the time stamp is older than the current trim horizon, records will be streamed from the oldest"',
    async run(context) {
      const stream = await context.stream();
      await context.put(stream, 'a', '0');
      const position = { Type: 'AT_TIMESTAMP', Timestamp: new Date(context.now() - 3_600_000) } as const;
      const subscription = await Subscription.start(context, await activeConsumer(context, stream.arn), first, position);
      assert.deepEqual(await subscription.receive(1), ['0']);
    },
  },
  {
    id: 'SubscribeToShard: an idle shard still gives events, without records, with 0 ms behind and a ContinuationSequenceNumber',
    cites: 'SubscribeToShardEvent: "captures your shard progress even when no data is written to the shard"',
    async run(context) {
      const { subscription } = await subscribed(context);
      const event = await subscription.until('an event is there', () => subscription.events[0]);
      assert.deepEqual([event.Records, event.MillisBehindLatest], [[], 0]);
      assert.match(event.ContinuationSequenceNumber ?? '', /^(0|[1-9]\d{0,128})$/);
    },
  },
  {
    id: 'SubscribeToShard: ContinuationSequenceNumber goes on without loss or repetition',
    cites: 'SubscribeToShardEvent, ContinuationSequenceNumber: "Use this as SequenceNumber in the next call to SubscribeToShard"',
    async run(context) {
      const stream = await context.stream();
      const consumer = await activeConsumer(context, stream.arn);
      await context.put(stream, 'a', '0');
      const before = await Subscription.start(context, consumer, first);
      await before.receive(1);
      const SequenceNumber = before.events.at(-1)?.ContinuationSequenceNumber;
      await context.put(stream, 'a', '1');
      await context.rest(takeoverMs);
      const after = await Subscription.start(context, consumer, first, { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber });
      assert.deepEqual(await after.receive(1), ['1']);
    },
  },
  {
    id: 'SubscribeToShard: ContinuationSequenceNumber of an idle shard goes on with what comes next',
    cites: 'SubscribeToShardEvent, ContinuationSequenceNumber: "captures your shard progress even when no data is written to the shard"',
    async run(context) {
      const { stream, consumer, subscription } = await subscribed(context);
      const event = await subscription.until('an event is there', () => subscription.events[0]);
      await context.rest(takeoverMs);
      const position = { Type: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: event.ContinuationSequenceNumber } as const;
      const next = await Subscription.start(context, consumer, first, position);
      await context.put(stream, 'a', 'next');
      assert.deepEqual(await next.receive(1), ['next']);
    },
  },
  {
    id: 'SubscribeToShard: again within 5 seconds is refused with ResourceInUseException',
    cites: 'SubscribeToShard: "again ... within 5 seconds of a successful call, you\'ll get a ResourceInUseException"',
    async run(context) {
      const { consumer } = await subscribed(context);
      await context.rest(2_000); // one call a second is a limit of its own
      const command = new SubscribeToShardCommand({ ConsumerARN: consumer, ShardId: first, StartingPosition: { Type: 'LATEST' } });
      await context.refused(command, 'ResourceInUseException');
    },
  },
  {
    id: 'SubscribeToShard: again after 5 seconds takes over, and the one before ends',
    cites:
      'SubscribeToShard: "the second call takes over the subscription and the previous connection expires or fails with a ResourceInUseException"',
    async run(context) {
      const { stream, consumer, subscription } = await subscribed(context);
      await subscription.until('an event is there', () => subscription.events[0]);
      await context.rest(takeoverMs + 500);
      const next = await Subscription.start(context, consumer, first);
      const { error } = await subscription.end();
      if (error !== undefined) assert.equal(error.name, 'ResourceInUseException');
      await context.put(stream, 'a', 'taken over');
      assert.deepEqual(await next.receive(1), ['taken over']);
      assert.deepEqual(subscription.texts(), []);
    },
  },
  {
    id: 'SubscribeToShard: two consumers of one shard both get every record',
    cites: 'RegisterStreamConsumer: "This rate is unaffected by the total number of consumers that read from the same stream"',
    async run(context) {
      const stream = await context.stream();
      const subscriptions: Subscription[] = [];
      for (const name of ['a', 'b']) {
        subscriptions.push(await Subscription.start(context, await activeConsumer(context, stream.arn, name), first));
      }
      await context.put(stream, 'a', 'for both');
      for (const subscription of subscriptions) assert.deepEqual(await subscription.receive(1), ['for both']);
    },
  },
  {
    id: 'SubscribeToShard: a subscription ends after 5 minutes, without an error',
    cites: 'SubscribeToShard: "for up to 5 minutes, after which time you need to call SubscribeToShard again to renew the subscription"',
    needs: ['clock'],
    async run(context) {
      const startedAt = context.now();
      const { stream, subscription } = await subscribed(context);
      context.pass(startedAt + 290_000 - context.now());
      await context.put(stream, 'a', 'still there');
      await subscription.receive(1);
      context.pass(startedAt + 310_000 - context.now());
      const { error } = await subscription.end();
      assert.equal(error, undefined);
      assert.ok(context.now() - startedAt < 400_000, `it lasted ${context.now() - startedAt} ms`);
    },
  },
  {
    id: 'SubscribeToShard: the end of a shard names its ChildShards',
    cites:
      'SubscribeToShardEvent, ChildShards: "The list of the child shards of the current shard, returned only at the end of the current shard"',
    async run(context) {
      const { stream, subscription } = await subscribed(context);
      await context.put(stream, 'a', 'last');
      await subscription.receive(1);
      const command = { StreamName: stream.name, ShardToSplit: first, NewStartingHashKey: (1n << 127n).toString() };
      await context.send(new SplitShardCommand(command));
      await context.active(stream.name);
      const children = inOrder((await context.shards(stream)).filter(({ ParentShardId }) => ParentShardId === first));
      const told = await subscription.until('the children are told', () =>
        subscription.events.map(({ ChildShards }) => ChildShards ?? []).find(({ length }) => length > 0),
      );
      assert.deepEqual(
        inOrder(told),
        children.map(({ ShardId, HashKeyRange }) => ({ ShardId, ParentShards: [first], HashKeyRange })),
      );
      assert.deepEqual(subscription.texts(), ['last']);
    },
  },
  {
    id: 'SubscribeToShard: a shard that is not there is refused with ResourceNotFoundException',
    cites: 'SubscribeToShard, Errors: ResourceNotFoundException',
    async run(context) {
      const ConsumerARN = await activeConsumer(context, (await context.stream()).arn);
      const command = { ConsumerARN, ShardId: 'shardId-000000000009', StartingPosition: { Type: 'LATEST' } as const };
      await context.refused(new SubscribeToShardCommand(command), 'ResourceNotFoundException');
    },
  },
  {
    id: 'SubscribeToShard: a consumer that is not there is refused with ResourceNotFoundException',
    cites: 'SubscribeToShard, Errors: ResourceNotFoundException',
    async run(context) {
      const { arn } = await context.shared();
      const command = { ConsumerARN: `${arn}/consumer/absent:1`, ShardId: first, StartingPosition: { Type: 'LATEST' } as const };
      await context.refused(new SubscribeToShardCommand(command), 'ResourceNotFoundException');
    },
  },
  ...refusedPositions.map(
    ([what, position]): Check => ({
      id: `SubscribeToShard: ${what} is refused`,
      cites: 'StartingPosition: SequenceNumber and Timestamp; SubscribeToShard, Errors: InvalidArgumentException',
      async run(context) {
        const ConsumerARN = await activeConsumer(context, (await context.stream()).arn);
        const command = new SubscribeToShardCommand({ ConsumerARN, ShardId: first, StartingPosition: position(context.now()) });
        await context.refused(command, 'InvalidArgumentException', 'ValidationException');
      },
    }),
  ),
];
