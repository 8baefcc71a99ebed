import assert from 'node:assert/strict';
import { type AwsConfig, assertLocalMode, dynamoClient, kinesisClient, snsClient } from '../../../../services/lib/process/aws.ts';

const local: AwsConfig = {
  AWS_REGION: 'us-east-1',
  LOCAL_MODE: true,
  KINESIS_ENDPOINT: 'http://127.0.0.1:1',
  DYNAMODB_ENDPOINT: 'http://localhost:2',
  SNS_ENDPOINT: 'http://[::1]:3',
};
const endpoints = ['KINESIS_ENDPOINT', 'DYNAMODB_ENDPOINT', 'SNS_ENDPOINT'] as const;
const refused = (key: string) => ({ code: 'CONFIG_INVALID', message: new RegExp(key) });

describe('local mode', () => {
  it('takes loopback endpoints alone, and needs each of them', () => {
    assertLocalMode(local);
    for (const key of endpoints) {
      const foreign = [
        'http://kinesis.us-east-1.amazonaws.com',
        'http://127.0.0.1.example.com',
        'http://127.0.0.1@example.com',
        'nonsense',
      ];
      for (const value of [undefined, '', ...foreign]) assert.throws(() => assertLocalMode({ ...local, [key]: value }), refused(key));
    }
  });

  it('is the only one with endpoints: a stage never talks to a stand-in', () => {
    const stage: AwsConfig = {
      ...local,
      LOCAL_MODE: false,
      KINESIS_ENDPOINT: undefined,
      DYNAMODB_ENDPOINT: undefined,
      SNS_ENDPOINT: undefined,
    };
    assertLocalMode(stage);
    for (const key of endpoints) assert.throws(() => assertLocalMode({ ...stage, [key]: local[key] }), refused(key));
  });

  it('makes clients that sign with keys worth nothing, and none at all for another endpoint', async () => {
    for (const makeClient of [kinesisClient, dynamoClient, snsClient]) {
      const client = makeClient(local);
      assert.equal((await client.config.credentials()).accessKeyId, 'local');
      client.destroy();
      assert.throws(() => makeClient({ ...local, SNS_ENDPOINT: undefined }), refused('SNS_ENDPOINT'));
    }
  });
});
