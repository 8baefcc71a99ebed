import assert from 'node:assert/strict';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand,
  DescribeStreamConsumerCommand,
  DescribeStreamSummaryCommand,
  ListStreamConsumersCommand,
  RegisterStreamConsumerCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, startMs } from '../rig.ts';
import { FanoutRig } from './fanout-rig.ts';

describe('Local Kinesis, stream consumers', () => {
  let rig: FanoutRig;
  afterEach(() => rig.stop());

  const statusOf = async (arn: string) =>
    (await rig.client.send(new DescribeStreamConsumerCommand({ ConsumerARN: arn }))).ConsumerDescription?.ConsumerStatus;

  describe('that become ACTIVE at once', () => {
    beforeEach(async () => {
      rig = await FanoutRig.open({ limits: false });
    });

    it('are answered as CREATING, with an ARN that carries their creation in seconds', async () => {
      const { Consumer } = await rig.client.send(
        new RegisterStreamConsumerCommand({ StreamARN: rig.streamArn, ConsumerName: 'second', Tags: { team: 'a' } }),
      );
      assert.equal(Consumer?.ConsumerARN, `${rig.streamArn}/consumer/second:${Math.floor(startMs / 1_000)}`);
      assert.equal(Consumer?.ConsumerStatus, 'CREATING');
      assert.equal(Consumer?.ConsumerCreationTimestamp?.getTime(), startMs);
      assert.equal(await statusOf(Consumer?.ConsumerARN ?? ''), 'ACTIVE');
    });

    it('are described by ARN, by stream and name, or by all three when they agree', async () => {
      const StreamARN = rig.streamArn;
      const ConsumerARN = rig.consumerArn;
      for (const input of [{ ConsumerARN }, { StreamARN, ConsumerName: 'reader' }, { StreamARN, ConsumerName: 'reader', ConsumerARN }]) {
        const { ConsumerDescription: found } = await rig.client.send(new DescribeStreamConsumerCommand(input));
        assert.equal(found?.ConsumerARN, ConsumerARN);
        assert.equal(found?.StreamARN, StreamARN);
      }
      await rig.register('other');
      for (const input of [{}, { ConsumerName: 'reader' }, { StreamARN }, { StreamARN, ConsumerName: 'other', ConsumerARN }]) {
        await assert.rejects(rig.client.send(new DescribeStreamConsumerCommand(input)), awsError('InvalidArgumentException'));
      }
    });

    it('cannot be found when they are not there', async () => {
      const notFound = awsError('ResourceNotFoundException');
      const { streamArn: StreamARN } = rig;
      for (const input of [
        { StreamARN, ConsumerName: 'nobody' },
        { ConsumerARN: `${StreamARN}/consumer/reader:1` },
        { ConsumerARN: `${StreamARN}x/consumer/reader:1` },
      ]) {
        await assert.rejects(rig.client.send(new DescribeStreamConsumerCommand(input)), notFound);
        await assert.rejects(rig.client.send(new DeregisterStreamConsumerCommand(input)), notFound);
      }
      await assert.rejects(
        rig.client.send(new DescribeStreamConsumerCommand({ ConsumerARN: 'arn:aws:kinesis:us-east-1:1:stream/s' })),
        awsError('ValidationException', /at 'consumerARN' failed to satisfy constraint/),
      );
    });

    it('are twenty at most, each name once', async () => {
      await assert.rejects(rig.register('reader'), awsError('ResourceInUseException', /already exists/));
      for (let i = 1; i < 20; i++) await rig.register(`c${i}`);
      await assert.rejects(rig.register('c20'), awsError('LimitExceededException'));
      await rig.client.send(new DeregisterStreamConsumerCommand({ StreamARN: rig.streamArn, ConsumerName: 'c7' }));
      await rig.register('c20');
      const summary = await rig.client.send(new DescribeStreamSummaryCommand({ StreamName: 's' }));
      assert.equal(summary.StreamDescriptionSummary?.ConsumerCount, 20);
    });

    it('are listed by name, page by page; tokens belong to the stream and expire after 5 minutes', async () => {
      for (const name of ['a', 'z', 'm']) await rig.register(name);
      const list = (input: { NextToken?: string; MaxResults?: number; StreamCreationTimestamp?: Date; StreamARN?: string }) =>
        rig.client.send(new ListStreamConsumersCommand({ StreamARN: rig.streamArn, ...input }));
      const first = await list({ MaxResults: 3, StreamCreationTimestamp: new Date(startMs) });
      const second = await list({ NextToken: first.NextToken ?? '' });
      assert.deepEqual(
        [...(first.Consumers ?? []), ...(second.Consumers ?? [])].map(({ ConsumerName }) => ConsumerName),
        ['a', 'm', 'reader', 'z'],
      );
      assert.equal(second.NextToken, undefined);
      await assert.rejects(list({ StreamCreationTimestamp: new Date(startMs - 5_000) }), awsError('ResourceNotFoundException'));
      await assert.rejects(
        list({ NextToken: first.NextToken ?? '', StreamCreationTimestamp: new Date(startMs) }),
        awsError('InvalidArgumentException'),
      );
      await rig.create('t', 1);
      await assert.rejects(
        list({ NextToken: first.NextToken ?? '', StreamARN: `${rig.streamArn.slice(0, -1)}t` }),
        awsError('InvalidArgumentException'),
      );
      await assert.rejects(list({ NextToken: 'made up' }), awsError('InvalidArgumentException'));
      rig.pass(300_001);
      await assert.rejects(list({ NextToken: first.NextToken ?? '' }), awsError('ExpiredNextTokenException'));
    });

    it('keep their stream from being deleted, unless that is enforced', async () => {
      await assert.rejects(rig.client.send(new DeleteStreamCommand({ StreamName: 's' })), awsError('ResourceInUseException'));
      await rig.client.send(new DeleteStreamCommand({ StreamName: 's', EnforceConsumerDeletion: true }));
      await rig.client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }));
      await assert.rejects(statusOf(rig.consumerArn), awsError('ResourceNotFoundException'));
    });

    it('are refused with tags that AWS refuses', async () => {
      const register = (Tags: Record<string, string>) =>
        rig.client.send(new RegisterStreamConsumerCommand({ StreamARN: rig.streamArn, ConsumerName: 'tagged', Tags }));
      const many = Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, '']));
      await assert.rejects(register(many), awsError('InvalidArgumentException', /50 tags/));
      for (const tags of [{ ['k'.repeat(129)]: '' }, { k: 'v'.repeat(257) }]) {
        await assert.rejects(register(tags), awsError('ValidationException', /'tags'/));
      }
    });
  });

  it('take their time to be created and deleted, five at once, and cannot be read meanwhile', async () => {
    rig = await FanoutRig.open({ limits: false, statusDelayMs: 1_000 });
    assert.equal(await statusOf(rig.consumerArn), 'CREATING');
    await assert.rejects(
      rig.subscribe({ Type: 'LATEST' }),
      awsError(
        'ResourceInUseException',
        /Consumer reader with creation timestamp \d+ under stream: s , account \d+ is not in ACTIVE status/,
      ),
    );
    for (let i = 2; i <= 5; i++) await rig.register(`c${i}`);
    await assert.rejects(rig.register('c6'), awsError('LimitExceededException', /CREATING/));
    rig.pass(1_000);
    assert.equal(await statusOf(rig.consumerArn), 'ACTIVE');
    await rig.register('c6');
    await rig.client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: rig.consumerArn }));
    assert.equal(await statusOf(rig.consumerArn), 'DELETING');
    await assert.rejects(rig.subscribe({ Type: 'LATEST' }), awsError('ResourceInUseException'));
    await assert.rejects(rig.register('reader'), awsError('ResourceInUseException'));
    rig.pass(999);
    await rig.client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: rig.consumerArn })); // and does not begin anew by it
    rig.pass(1);
    await assert.rejects(statusOf(rig.consumerArn), awsError('ResourceNotFoundException'));
  });
});
