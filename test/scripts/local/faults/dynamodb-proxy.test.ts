import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type DynamoProxy, startDynamoProxy } from '../../../../scripts/local/faults/dynamodb-proxy.ts';
import type { TableFaultKind } from '../../../../scripts/local/faults/table-faults.ts';
import { localCredentials } from '../../../../services/lib/process/aws.ts';

describe('proxy in front of DynamoDB', () => {
  let behind: Server;
  let carriedOut: string[];
  let proxy: DynamoProxy;
  let client: DynamoDBClient;

  beforeEach(async () => {
    carriedOut = [];
    behind = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.once('end', () => {
        carriedOut.push((JSON.parse(body) as { TableName: string }).TableName);
        response
          .setHeader('content-type', 'application/x-amz-json-1.0')
          .end(`{"Table":{"TableName":"${String(request.headers['x-amz-target'])}"}}`);
      });
    }).listen(0, '127.0.0.1');
    await once(behind, 'listening');
    proxy = await startDynamoProxy({ target: `http://127.0.0.1:${(behind.address() as AddressInfo).port}`, seed: 7 });
    client = new DynamoDBClient({ endpoint: proxy.endpoint, region: 'us-east-1', credentials: localCredentials, maxAttempts: 1 });
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    behind.close();
    behind.closeAllConnections();
  });

  const call = (table: string) => client.send(new DescribeTableCommand({ TableName: table }));
  const fail = (kind: TableFaultKind): void => proxy.fail({ table: 'alerts', kinds: [kind] });

  it('passes all on as it came, and the answer back', async () => {
    assert.equal((await call('alerts')).Table?.TableName, 'DynamoDB_20120810.DescribeTable');
    assert.deepEqual([carriedOut, proxy.struck], [['alerts'], 0]);
  });

  it('fails the calls of one table alone, until it is told to stop', async () => {
    fail('error');
    await assert.rejects(call('alerts'), { name: 'InternalServerError' });
    await call('leases');
    proxy.fail(undefined);
    await call('alerts');
    assert.deepEqual([carriedOut, proxy.struck], [['leases', 'alerts'], 1]);
  });

  it('throttles without an effect', async () => {
    fail('throttle');
    await assert.rejects(call('alerts'), { name: 'ProvisionedThroughputExceededException' });
    assert.deepEqual(carriedOut, []);
  });

  it('breaks the connection before the effect, or after it', async () => {
    fail('reset');
    await assert.rejects(call('alerts'));
    assert.deepEqual(carriedOut, []);
    fail('lost');
    await assert.rejects(call('alerts'));
    assert.deepEqual(carriedOut, ['alerts']);
  });

  it('breaks the connection when nothing answers behind it', async () => {
    behind.close();
    behind.closeAllConnections();
    await assert.rejects(call('leases'));
  });
});
