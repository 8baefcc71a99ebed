import assert from 'node:assert/strict';
import {
  DeleteStreamCommand,
  DeregisterStreamConsumerCommand as Deregister,
  DescribeStreamConsumerCommand as Describe,
  DescribeStreamSummaryCommand,
  ListStreamConsumersCommand as List,
  RegisterStreamConsumerCommand as Register,
} from '@aws-sdk/client-kinesis';
import type { Check } from '../check.ts';
import type { Context } from '../context.ts';
import { activeConsumer } from '../subscription.ts';

const listed = async (context: Context, StreamARN: string) => {
  const { Consumers = [] } = await context.send(new List({ StreamARN }));
  return Consumers.map(({ ConsumerName }) => ConsumerName);
};

async function gone(context: Context, ConsumerARN: string | undefined, until: RegExp): Promise<void> {
  await context.until('the consumer is gone', async () => {
    try {
      const { ConsumerDescription } = await context.send(new Describe({ ConsumerARN }));
      assert.match(ConsumerDescription?.ConsumerStatus ?? '', until);
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return true;
      throw error;
    }
    return undefined;
  });
}

export const consumerChecks: readonly Check[] = [
  {
    id: 'RegisterStreamConsumer: answers name, status, creation time, and an ARN below the stream that ends in that time',
    cites:
      'Consumer: "When you register a consumer, Kinesis Data Streams generates an ARN"; "consumer ARNs contain the creation timestamp"',
    async run(context) {
      const { arn } = await context.stream();
      const { Consumer } = await context.send(new Register({ StreamARN: arn, ConsumerName: 'one' }));
      assert.equal(Consumer?.ConsumerName, 'one');
      assert.match(Consumer?.ConsumerStatus ?? '', /^(CREATING|ACTIVE)$/);
      const seconds = Math.floor((Consumer?.ConsumerCreationTimestamp?.getTime() ?? 0) / 1_000);
      assert.equal(Consumer?.ConsumerARN, `${arn}/consumer/one:${seconds}`);
    },
  },
  {
    id: 'RegisterStreamConsumer: the consumer becomes ACTIVE',
    cites: 'Consumer, ConsumerStatus: "A consumer can\'t read data while in the CREATING or DELETING states"',
    run: async (context) => void (await activeConsumer(context, (await context.stream()).arn)),
  },
  {
    id: 'RegisterStreamConsumer: a name that is taken is refused with ResourceInUseException',
    cites: 'RegisterStreamConsumer, ConsumerName: "For a given Kinesis data stream, each consumer must have a unique name"',
    async run(context) {
      const { arn } = await context.stream();
      await activeConsumer(context, arn, 'one');
      await context.refused(new Register({ StreamARN: arn, ConsumerName: 'one' }), 'ResourceInUseException');
    },
  },
  {
    id: 'RegisterStreamConsumer: two streams may each have a consumer of one name',
    cites: 'RegisterStreamConsumer, ConsumerName: "consumer names don\'t have to be unique across data streams"',
    async run(context) {
      for (let i = 0; i < 2; i++) await activeConsumer(context, (await context.stream()).arn, 'same');
    },
  },
  {
    id: 'RegisterStreamConsumer: a stream that is not there is refused with ResourceNotFoundException',
    cites: 'RegisterStreamConsumer, Errors: ResourceNotFoundException',
    async run(context) {
      const { arn, name } = await context.shared();
      const absent = arn.replace(name, context.name());
      await context.refused(new Register({ StreamARN: absent, ConsumerName: 'one' }), 'ResourceNotFoundException');
    },
  },
  ...(
    [
      ['of 129 characters', 'c'.repeat(129)],
      ['with a space', 'a b'],
      ['that is empty', ''],
    ] as const
  ).map(
    ([what, ConsumerName]): Check => ({
      id: `RegisterStreamConsumer: a name ${what} is refused with ValidationException`,
      cites:
        'RegisterStreamConsumer, ConsumerName: "Length Constraints: Minimum length of 1. Maximum length of 128. Pattern: [a-zA-Z0-9_.-]+"',
      async run(context) {
        const { arn } = await context.shared();
        await context.refused(new Register({ StreamARN: arn, ConsumerName }), 'ValidationException');
      },
    }),
  ),
  {
    id: 'RegisterStreamConsumer: 20 consumers are taken, a 21st is refused with LimitExceededException',
    cites: 'RegisterStreamConsumer: "With On-demand Standard and Provisioned streams, you can register up to 20 consumers per stream"',
    async run(context) {
      const { arn } = await context.stream();
      for (let i = 0; i < 20; i++) await activeConsumer(context, arn, `consumer-${i}`);
      // The call may also be refused for its rate: only the quota goes on refusing.
      for (let i = 0; i < 3; i++) {
        await context.refused(new Register({ StreamARN: arn, ConsumerName: 'too-many' }), 'LimitExceededException');
        await context.rest(1_000);
      }
      assert.equal((await listed(context, arn)).length, 20);
    },
  },
  {
    id: 'DescribeStreamConsumer: finds a consumer by its ARN, or by stream and name, with the ARN of the stream',
    cites: 'DescribeStreamConsumer: "provide the ARN of the consumer. Alternatively, ... the ARN of the data stream and the name"',
    async run(context) {
      const { arn } = await context.stream();
      const consumer = await activeConsumer(context, arn, 'one');
      const byArn = await context.send(new Describe({ ConsumerARN: consumer }));
      const byName = await context.send(new Describe({ StreamARN: arn, ConsumerName: 'one' }));
      assert.deepEqual(byArn.ConsumerDescription, byName.ConsumerDescription);
      assert.equal(byArn.ConsumerDescription?.StreamARN, arn);
    },
  },
  {
    id: 'DescribeStreamConsumer: a consumer that is not there is refused with ResourceNotFoundException',
    cites: 'DescribeStreamConsumer, Errors: ResourceNotFoundException',
    async run(context) {
      const { arn } = await context.shared();
      await context.refused(new Describe({ StreamARN: arn, ConsumerName: 'absent' }), 'ResourceNotFoundException');
    },
  },
  {
    id: 'DescribeStreamConsumer: neither ARN nor name is refused',
    cites: 'DescribeStreamConsumer: "provide the ARN of the consumer. Alternatively, ... the ARN of the data stream and the name"',
    run: async (context) => void (await context.refused(new Describe({}), 'InvalidArgumentException', 'ValidationException')),
  },
  {
    id: 'DescribeStreamSummary: ConsumerCount counts registered consumers',
    cites: 'StreamDescriptionSummary: "The number of enhanced fan-out consumers registered with the stream"',
    async run(context) {
      const { arn, name } = await context.stream();
      await activeConsumer(context, arn);
      const { StreamDescriptionSummary } = await context.send(new DescribeStreamSummaryCommand({ StreamName: name }));
      assert.equal(StreamDescriptionSummary?.ConsumerCount, 1);
    },
  },
  {
    id: 'ListStreamConsumers: MaxResults and NextToken walk all consumers once',
    cites: 'ListStreamConsumers, NextToken: "specify this NextToken value in a subsequent call to ListStreamConsumers"',
    async run(context) {
      const { arn } = await context.stream();
      for (const name of ['a', 'b', 'c']) await activeConsumer(context, arn, name);
      const found: (string | undefined)[] = [];
      let page = await context.send(new List({ StreamARN: arn, MaxResults: 2 }));
      assert.equal(page.Consumers?.length, 2);
      for (;;) {
        found.push(...(page.Consumers ?? []).map(({ ConsumerName }) => ConsumerName));
        if (page.NextToken === undefined) break;
        page = await context.send(new List({ StreamARN: arn, MaxResults: 2, NextToken: page.NextToken }));
      }
      assert.deepEqual([found.length, new Set(found)], [3, new Set(['a', 'b', 'c'])]);
    },
  },
  {
    id: 'ListStreamConsumers: a stream without consumers has an empty list',
    cites: 'ListStreamConsumers: "Lists the consumers registered to receive data from a stream using enhanced fan-out"',
    async run(context) {
      assert.deepEqual(await listed(context, (await context.shared()).arn), []);
    },
  },
  {
    id: 'ListStreamConsumers: a NextToken older than 300 s is refused with ExpiredNextTokenException',
    cites: 'ListStreamConsumers, NextToken: "Tokens expire after 300 seconds ... you get ExpiredNextTokenException"',
    needs: ['clock'],
    async run(context) {
      const { arn } = await context.stream();
      for (const name of ['a', 'b']) await activeConsumer(context, arn, name);
      const { NextToken } = await context.send(new List({ StreamARN: arn, MaxResults: 1 }));
      context.pass(301_000);
      await context.refused(new List({ StreamARN: arn, NextToken }), 'ExpiredNextTokenException');
    },
  },
  {
    id: 'DeregisterStreamConsumer: by ARN, the consumer is DELETING and then gone',
    cites: 'DeregisterStreamConsumer: "To deregister a consumer, provide its ARN"',
    async run(context) {
      const { arn } = await context.stream();
      const consumer = await activeConsumer(context, arn);
      await context.send(new Deregister({ ConsumerARN: consumer }));
      await gone(context, consumer, /^DELETING$/);
      assert.deepEqual(await listed(context, arn), []);
    },
  },
  {
    id: 'DeregisterStreamConsumer: by stream and name',
    cites: 'DeregisterStreamConsumer: "you can provide the ARN of the data stream and the name you gave the consumer"',
    async run(context) {
      const { arn } = await context.stream();
      const consumer = await activeConsumer(context, arn, 'one');
      await context.send(new Deregister({ StreamARN: arn, ConsumerName: 'one' }));
      await gone(context, consumer, /^DELETING$/);
    },
  },
  {
    id: 'DeregisterStreamConsumer: a consumer that is not there is refused with ResourceNotFoundException',
    cites: 'DeregisterStreamConsumer, Errors: ResourceNotFoundException',
    async run(context) {
      const { arn } = await context.shared();
      await context.refused(new Deregister({ StreamARN: arn, ConsumerName: 'absent' }), 'ResourceNotFoundException');
    },
  },
  {
    id: 'DeleteStream: a stream with consumers is refused with ResourceInUseException',
    cites:
      'DeleteStream, EnforceConsumerDeletion: "If this parameter is unset ..., and the stream has registered consumers, the call ... fails"',
    async run(context) {
      const { arn, name } = await context.stream();
      await activeConsumer(context, arn);
      await context.refused(new DeleteStreamCommand({ StreamName: name }), 'ResourceInUseException');
    },
  },
  {
    id: 'DeleteStream: EnforceConsumerDeletion deletes the consumers with the stream',
    cites: 'DeleteStream, EnforceConsumerDeletion',
    async run(context) {
      const { arn, name } = await context.stream();
      const consumer = await activeConsumer(context, arn);
      await context.send(new DeleteStreamCommand({ StreamName: name, EnforceConsumerDeletion: true }));
      await gone(context, consumer, /^(ACTIVE|DELETING)$/);
    },
  },
];
