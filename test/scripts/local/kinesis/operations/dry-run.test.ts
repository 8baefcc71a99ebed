import assert from 'node:assert/strict';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  PutRecordCommand,
  PutRecordsCommand,
  RegisterStreamConsumerCommand,
  SubscribeToShardCommand,
} from '@aws-sdk/client-kinesis';
import { awsError, Rig } from '../rig.ts';

const shard = { StreamName: 's', ShardId: 'shardId-000000000000', ShardIteratorType: 'LATEST' } as const;
const record = { PartitionKey: 'k', Data: Buffer.from('d') };

describe('local Kinesis: DryRun', () => {
  let rig: Rig;
  let position: { iterator: string; consumer: string };
  before(async () => {
    rig = await Rig.start();
    await rig.create('s', 1);
    const arn = 'arn:aws:kinesis:us-east-1:000000000000:stream/s';
    const { Consumer } = await rig.client.send(new RegisterStreamConsumerCommand({ StreamARN: arn, ConsumerName: 'c' }));
    position = { iterator: await rig.iterator('s', shard.ShardId), consumer: Consumer?.ConsumerARN ?? '' };
  });
  after(() => rig.stop());

  const calls: Record<string, (client: KinesisClient, DryRun: boolean | undefined) => Promise<unknown>> = {
    PutRecord: (client, DryRun) => client.send(new PutRecordCommand({ StreamName: 's', ...record, DryRun })),
    PutRecords: (client, DryRun) => client.send(new PutRecordsCommand({ StreamName: 's', Records: [record], DryRun })),
    GetShardIterator: (client, DryRun) => client.send(new GetShardIteratorCommand({ ...shard, DryRun })),
    GetRecords: (client, DryRun) => client.send(new GetRecordsCommand({ ShardIterator: position.iterator, DryRun })),
    SubscribeToShard: (client, DryRun) =>
      client.send(
        new SubscribeToShardCommand({
          ConsumerARN: position.consumer,
          ShardId: shard.ShardId,
          StartingPosition: { Type: 'LATEST' },
          DryRun,
        }),
      ),
  };

  for (const [name, call] of Object.entries(calls)) {
    it(`of ${name} says that it would succeed, and does nothing`, async () => {
      const before = (await rig.read('s', shard.ShardId)).length;
      await assert.rejects(call(rig.client, true), awsError('DryRunOperationException', /would have succeeded/));
      assert.equal((await rig.read('s', shard.ShardId)).length, before);
      await call(rig.client, false); // a subscription that the dry run had taken would be in use
      rig.pass(1_000);
    });
  }

  it('of what would fail fails as without it', async () => {
    const missing = new PutRecordCommand({ ...record, StreamName: 'absent', DryRun: true });
    await assert.rejects(rig.client.send(missing), awsError('ResourceNotFoundException'));
  });
});
