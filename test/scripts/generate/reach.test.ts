import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { assertReachable } from '../../../scripts/generate/reach.ts';
import { kinesisClient } from '../../../services/lib/process/aws.ts';

const never = new AbortController().signal;

async function ask(listener: RequestListener | undefined, signal: AbortSignal = never): Promise<void> {
  const server = createServer(listener ?? (() => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (listener === undefined) await new Promise((resolve) => server.close(resolve));
  const endpoints = { KINESIS_ENDPOINT: endpoint, DYNAMODB_ENDPOINT: endpoint, SNS_ENDPOINT: endpoint };
  const kinesis = kinesisClient({ AWS_REGION: 'us-east-1', LOCAL_MODE: true, ...endpoints });
  try {
    await assertReachable(kinesis, 'booking-changes', endpoint, signal);
  } finally {
    kinesis.destroy();
    server.closeAllConnections();
    server.close();
  }
}

describe('asking for the stream once', () => {
  it('says so when nobody listens', async () => {
    await assert.rejects(ask(undefined), /^Error: no answer from http:\/\/127\.0\.0\.1:\d+: /);
  });

  it('says so when the stream is not there', async () => {
    const missing: RequestListener = (_, response) => {
      response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': 'ResourceNotFoundException' });
      response.end(JSON.stringify({ __type: 'ResourceNotFoundException', message: 'Stream booking-changes not found' }));
    };
    await assert.rejects(ask(missing), /answers, but not for the stream booking-changes: Stream booking-changes not found/);
  });

  it('is content with a stream that is there, and with being stopped while it waits', async () => {
    await ask((_, response) => void response.end('{"StreamDescriptionSummary":{}}'));
    await ask(() => undefined, AbortSignal.timeout(50));
  });
});
