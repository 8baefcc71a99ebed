import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import { ListShardsCommand } from '@aws-sdk/client-kinesis';
import { PublishCommand } from '@aws-sdk/client-sns';
import pg from 'pg';
import { createResources, type LocalStack, startStack } from '../../../scripts/local/stack.ts';
import { eventRouter } from '../../../services/event-router/service.ts';
import { fraudDetector } from '../../../services/fraud-detector/service.ts';
import { awsConfig, dynamoClient, kinesisClient, snsClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { redshiftLoader } from '../../../services/redshift-loader/service.ts';
import { requirePart } from '../../support/optional.ts';
import { isAlive } from '../../support/processes.ts';
import { isLoopback, listenersOf } from '../../support/sockets.ts';

describe('the local stack', function () {
  this.timeout(90_000);
  let runDir: string;
  let stack: LocalStack;
  const progress = new Map<string, number>();

  before(async function () {
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = mkdtempSync(join(tmpdir(), 'stack-'));
    stack = await startStack({
      runDir,
      parts: ['kinesis', 'dynamodb', 'postgres', 'sns', 'mail'],
      onProgress: (part, ms) => progress.set(part, ms),
    });
    await createResources(stack, [eventRouter, fraudDetector, redshiftLoader], { shards: { 'booking-events': 3 } });
  });

  after(async () => {
    await stack?.stop();
    if (runDir !== undefined) rmSync(runDir, { recursive: true });
  });

  it('tells how long each part took', () => {
    assert.deepEqual([...progress.keys()].sort(), ['dynamodb', 'kinesis', 'mail', 'postgres', 'sns']);
    for (const [part, ms] of progress) assert.ok(ms >= 0 && ms < 60_000, `${part} ${ms}`);
  });

  it('makes streams, tables and topics from what the services declare', async () => {
    const config = loadConfig(awsConfig, stack.environment());
    const shards = async (StreamName: string) => (await kinesisClient(config).send(new ListShardsCommand({ StreamName }))).Shards?.length;
    assert.equal(await shards('booking-events'), 3);
    assert.equal(await shards('booking-changes'), 2);
    const { Table } = await dynamoClient(config).send(new DescribeTableCommand({ TableName: 'fraud-alerts' }));
    assert.deepEqual(
      Table?.GlobalSecondaryIndexes?.map(({ IndexName }) => IndexName),
      ['pending', 'by-day', 'by-user'],
    );
    const TopicArn = stack.environment()['ALERTS_TOPIC_ARN'];
    await snsClient(config).send(new PublishCommand({ TopicArn, Message: 'hello' }));
    assert.equal(stack.caught().at(-1)?.message, 'hello');
    const client = new pg.Client(stack.warehouseUrl);
    await client.connect();
    assert.deepEqual((await client.query('select 1 as one')).rows, [{ one: 1 }]);
    await client.end();
  });

  it('gives a service an environment in which no account can be found', () => {
    process.env['AWS_PROFILE'] = 'somebody';
    try {
      const env = stack.environment();
      assert.equal(env['AWS_PROFILE'], undefined);
      assert.equal(env['LOCAL_MODE'], 'true');
      assert.equal(env['AWS_EC2_METADATA_DISABLED'], 'true');
      assert.equal(env['AWS_CONFIG_FILE'], '/dev/null');
      assert.equal(env['AWS_SHARED_CREDENTIALS_FILE'], '/dev/null');
      assert.equal(env['HOME'], stack.runDir);
    } finally {
      delete process.env['AWS_PROFILE'];
    }
  });

  it('listens on loopback alone', function () {
    requirePart(this, 'linux');
    const listeners = listenersOf([process.pid, ...stack.processes.map(({ pid }) => pid)]);
    assert.ok(listeners.length >= 5, JSON.stringify(listeners));
    assert.deepEqual(
      listeners.filter((listener) => !isLoopback(listener)),
      [],
    );
  });

  it('keeps a log file for each process', () => {
    for (const part of ['kinesis', 'dynamodb', 'postgres'])
      assert.match(readFileSync(join(runDir, 'logs', `${part}.log`), 'utf8'), /"ready"/);
  });

  it('leaves no process and no port when it stops', async () => {
    const ports = [stack.kinesisEndpoint, stack.dynamoEndpoint, stack.snsEndpoint, stack.warehouseUrl].map((url) =>
      Number(new URL(url).port),
    );
    ports.push(stack.smtpPort ?? 0);
    await stack.stop();
    for (const { pid, name } of stack.processes) assert.ok(!isAlive(pid), name);
    for (const port of ports) assert.equal(await answers(port), false, String(port));
  });
});

describe('a local stack that cannot start', function () {
  this.timeout(30_000);

  it('stops what had started and says what was wrong', async () => {
    const runDir = mkdtempSync(join(tmpdir(), 'stack-'));
    writeFileSync(join(runDir, 'warehouse'), 'where the data folder should be');
    try {
      const before = process.platform === 'linux' ? listenersOf([process.pid]).length : 0;
      await assert.rejects(startStack({ runDir, parts: ['sns', 'postgres'] }), /warehouse/);
      if (process.platform === 'linux') assert.equal(listenersOf([process.pid]).length, before);
    } finally {
      rmSync(runDir, { recursive: true });
    }
  });
});

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
