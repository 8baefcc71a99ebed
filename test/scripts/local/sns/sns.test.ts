import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTopicCommand, ListTopicsCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { type SnsCatcher, startSnsCatcher } from '../../../../scripts/local/sns/sns.ts';

describe('the SNS catcher', () => {
  let folder: string;
  let catcher: SnsCatcher;
  let client: SNSClient;
  const now = 1_700_000_000_000;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sns-'));
    catcher = await startSnsCatcher({ file: join(folder, 'sns', 'caught.ndjson'), now: () => now });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    client = new SNSClient({ endpoint: catcher.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  });
  afterEach(async () => {
    client.destroy();
    await catcher.close();
    rmSync(folder, { recursive: true });
  });

  const topic = async (): Promise<string> => (await client.send(new CreateTopicCommand({ Name: 'fraud-alerts' }))).TopicArn ?? '';

  it('takes what the AWS SDK publishes, and tells it in memory, in its file and over HTTP', async () => {
    const TopicArn = await topic();
    assert.equal(TopicArn, 'arn:aws:sns:us-east-1:000000000000:fraud-alerts');
    const Message = '{"text":"a&b=<c> + ümläut \u2028 100%"}';
    const MessageAttributes = { severity: { DataType: 'String', StringValue: 'high' }, mode: { DataType: 'String', StringValue: 'live' } };
    const { MessageId } = await client.send(new PublishCommand({ TopicArn, Message, MessageAttributes }));

    const expected = {
      messageId: MessageId,
      receivedAt: now,
      topicArn: TopicArn,
      message: Message,
      attributes: { severity: 'high', mode: 'live' },
    };
    assert.deepEqual(catcher.caught(), [expected]);
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'sns', 'caught.ndjson'), 'utf8')), expected);
    assert.deepEqual(await (await fetch(`${catcher.endpoint}/_caught`)).json(), [expected]);
  });

  it('refuses a topic that nobody made, as SNS does', async () => {
    const unknown = new PublishCommand({ TopicArn: 'arn:aws:sns:us-east-1:000000000000:other', Message: 'hello' });
    await assert.rejects(client.send(unknown), { name: 'NotFoundException' });
    assert.deepEqual(catcher.caught(), []);
  });

  it('refuses an empty message and one over 256 KiB, and takes one of exactly 256 KiB', async () => {
    const TopicArn = await topic();
    const publish = (Message: string) => client.send(new PublishCommand({ TopicArn, Message }));
    await assert.rejects(publish(''), { name: 'InvalidParameterException' });
    await assert.rejects(publish(`${'ü'.repeat(131_072)}x`), { name: 'InvalidParameterException' });
    await publish('ü'.repeat(131_072));
    assert.equal(catcher.caught().length, 1);
  });

  it('refuses what it does not know', async () => {
    await assert.rejects(client.send(new ListTopicsCommand({})), { name: 'InvalidAction' });
  });

  it('says so when its port is taken', async () => {
    const port = Number(new URL(catcher.endpoint).port);
    await assert.rejects(startSnsCatcher({ file: join(folder, 'other.ndjson'), port }), { code: 'EADDRINUSE' });
  });
});
