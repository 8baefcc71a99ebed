import assert from 'node:assert/strict';
import { RegisterStreamConsumerCommand } from '@aws-sdk/client-kinesis';
import { RawClient, Rig } from './rig.ts';

const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';

describe('local Kinesis: tokens', () => {
  it('are good for the operation that gave them and for no other', async () => {
    const rig = await Rig.start({ limits: false });
    const raw = new RawClient(rig.server.endpoint);
    const call = async (operation: string, input: object) => {
      const { status, body } = await raw.call(
        `Kinesis_20131202.${operation}`,
        'application/x-amz-json-1.1',
        Buffer.from(JSON.stringify(input)),
      );
      return { status, value: JSON.parse(body.toString()) as Record<string, unknown> };
    };
    try {
      for (const name of ['s', 't']) await rig.create(name, 2);
      for (const ConsumerName of ['a', 'b']) await rig.client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
      const uses: Record<string, (token: unknown) => ReturnType<typeof call>> = {
        GetRecords: (token) => call('GetRecords', { ShardIterator: token }),
        ListShards: (token) => call('ListShards', { NextToken: token }),
        ListStreamConsumers: (token) => call('ListStreamConsumers', { StreamARN, NextToken: token }),
        ListStreams: (token) => call('ListStreams', { NextToken: token }),
      };
      const given: Record<string, unknown> = {
        GetRecords: await rig.iterator('s', 'shardId-000000000000'),
        ListShards: (await call('ListShards', { StreamName: 's', MaxResults: 1 })).value['NextToken'],
        ListStreamConsumers: (await call('ListStreamConsumers', { StreamARN, MaxResults: 1 })).value['NextToken'],
        ListStreams: (await call('ListStreams', { Limit: 1 })).value['NextToken'],
      };
      for (const [operation, use] of Object.entries(uses)) {
        for (const [giver, token] of Object.entries(given)) {
          const { status, value } = await use(token);
          const expected = operation === giver ? [200, undefined] : [400, 'InvalidArgumentException'];
          assert.deepEqual([status, value['__type']], expected, `${operation} with the token of ${giver}`);
        }
      }
    } finally {
      raw.close();
      await rig.stop();
    }
  });
});
