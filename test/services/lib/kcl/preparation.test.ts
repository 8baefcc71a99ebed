import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { KclLine } from '../../../../services/lib/kcl/kcl-line.ts';
import { prepareLeaseTable } from '../../../../services/lib/kcl/lease-table.ts';
import type { Shard } from '../../../../services/lib/kcl/shards.ts';
import { awaitStream } from '../../../../services/lib/kcl/stream.ts';
import { resolveWorkerId } from '../../../../services/lib/kcl/worker-id.ts';
import { createLogger } from '../../../../services/lib/process/log.ts';

const failure = (name: string) => Object.assign(new Error(name), { name });

/** An AWS client that answers by the command's name; a list is used up one by one, its last answer stays. */
function client(answers: Record<string, (object | Error)[]>) {
  const sent: { name: string; input: Record<string, unknown> }[] = [];
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }): Promise<object> => {
    const name = command.constructor.name.replace(/Command$/, '');
    sent.push({ name, input: command.input });
    const list = answers[name] ?? [failure(`unexpected ${name}`)];
    const answer = (list.length > 1 ? list.shift() : list[0]) as object | Error;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return {
    sent,
    count: (name: string) => sent.filter((call) => call.name === name).length,
    kinesis: { send } as unknown as KinesisClient,
    dynamo: { send } as unknown as DynamoDBClient,
  };
}

const shard = (index: number, closed = false): Shard => ({
  shardId: `shardId-${index}`,
  parents: [],
  range: { start: BigInt(index) * 100n, end: BigInt(index) * 100n + 99n },
  startingSequenceNumber: '1',
  closed,
});

describe('the stream', () => {
  const summary = (StreamStatus: string) => ({
    StreamDescriptionSummary: { StreamStatus, StreamCreationTimestamp: new Date(1_700_000_000_900) },
  });

  it('is known by its name and when it was made', async () => {
    const kinesis = client({ DescribeStreamSummary: [summary('CREATING'), summary('ACTIVE')] });
    assert.equal(await awaitStream(kinesis.kinesis, 'events', 5_000), 'events@1700000000');
    assert.equal(kinesis.sent.length, 2);
  });

  it('can be read while it is resharded', async () => {
    const kinesis = client({ DescribeStreamSummary: [summary('UPDATING')] });
    assert.equal(await awaitStream(kinesis.kinesis, 'events', 5_000), 'events@1700000000');
  });

  it('that does not exist is an error at once; one that never gets ready, at the deadline', async () => {
    const missing = client({ DescribeStreamSummary: [failure('ResourceNotFoundException')] });
    await assert.rejects(awaitStream(missing.kinesis, 'events', 60_000), {
      code: 'STREAM_UNAVAILABLE',
      message: 'there is no stream events',
    });
    const creating = client({ DescribeStreamSummary: [summary('CREATING')] });
    await assert.rejects(awaitStream(creating.kinesis, 'events', 0), { code: 'STREAM_UNAVAILABLE', message: /is CREATING/ });
    const silent = client({ DescribeStreamSummary: [failure('TimeoutError')] });
    await assert.rejects(awaitStream(silent.kinesis, 'events', 0), { code: 'STREAM_UNAVAILABLE' });
  });

  it('is not waited for once the start was called off', async () => {
    const creating = client({ DescribeStreamSummary: [summary('CREATING')] });
    const stop = new AbortController();
    const waiting = awaitStream(creating.kinesis, 'events', 60_000, stop.signal);
    stop.abort();
    await assert.rejects(waiting, { name: 'AbortError' });
  });
});

describe('the lease table', () => {
  const fresh = {
    CreateTable: [{}],
    DescribeTable: [{ Table: { TableStatus: 'CREATING' } }, { Table: { TableStatus: 'ACTIVE' } }],
    Scan: [{ Items: [] }],
    PutItem: [{}],
  };
  const prepare = (dynamo: ReturnType<typeof client>, shards: Shard[], kclLine: KclLine = 2) =>
    prepareLeaseTable(dynamo.dynamo, { tableName: 'app', kclLine, shards: async () => shards, deadlineMs: 5_000 });

  it('of a fresh application is made, with one free lease per open shard', async () => {
    const dynamo = client(fresh);
    assert.equal(await prepare(dynamo, [shard(0), shard(1)]), 2);
    assert.equal(dynamo.count('DescribeTable'), 2);
    const puts = dynamo.sent.filter(({ name }) => name === 'PutItem');
    assert.deepEqual(puts[1]?.input, {
      TableName: 'app',
      ConditionExpression: 'attribute_not_exists(leaseKey)',
      Item: {
        leaseKey: { S: 'shardId-1' },
        leaseCounter: { N: '0' },
        checkpoint: { S: 'TRIM_HORIZON' },
        checkpointSubSequenceNumber: { N: '0' },
        ownerSwitchesSinceCheckpoint: { N: '0' },
        startingHashKey: { S: '100' },
        endingHashKey: { S: '199' },
      },
    });
  });

  it('of KCL 3.x has an index of owners from the start, and rows that say they are leases', async () => {
    const dynamo = client(fresh);
    assert.equal(await prepare(dynamo, [shard(0)], 3), 1);
    const inputOf = (name: string) => dynamo.sent.find((call) => call.name === name)?.input as Record<string, unknown>;
    assert.deepEqual(inputOf('CreateTable')['GlobalSecondaryIndexes'], [
      {
        IndexName: 'LeaseOwnerToLeaseKeyIndex',
        KeySchema: [
          { AttributeName: 'leaseOwner', KeyType: 'HASH' },
          { AttributeName: 'leaseKey', KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ]);
    assert.deepEqual((inputOf('PutItem')['Item'] as Record<string, unknown>)['entityType'], { S: 'LEASE' });
  });

  it('of KCL 2.x has no index', async () => {
    const dynamo = client(fresh);
    await prepare(dynamo, [shard(0)]);
    const input = dynamo.sent.find(({ name }) => name === 'CreateTable')?.input as Record<string, unknown>;
    assert.equal('GlobalSecondaryIndexes' in input, false);
    assert.deepEqual(input['AttributeDefinitions'], [{ AttributeName: 'leaseKey', AttributeType: 'S' }]);
  });

  it('gets no rows from us once the stream was resharded: children must wait for their parents', async () => {
    const dynamo = client(fresh);
    assert.equal(await prepare(dynamo, [shard(0, true), shard(1)]), 0);
    assert.equal(dynamo.count('PutItem'), 0);
  });

  it('that has rows is left alone', async () => {
    const dynamo = client({ ...fresh, CreateTable: [failure('ResourceInUseException')], Scan: [{ Items: [{}] }] });
    assert.equal(await prepare(dynamo, [shard(0)]), 0);
    assert.equal(dynamo.count('PutItem'), 0);
  });

  it('of 3.x is refused to 2.x, which cannot read its other rows; leases alone are none of them', async () => {
    const written = (...kinds: string[]) => ({
      ...fresh,
      CreateTable: [failure('ResourceInUseException')],
      Scan: [{ Items: [{ leaseKey: { S: 'shardId-0' } }, ...kinds.map((S) => ({ leaseKey: { S: 'x' }, entityType: { S } }))] }],
    });
    const refused = { code: 'TABLE_UNAVAILABLE', message: /KCL 3\.x has worked on the lease table app[^]*delete the rows/ };
    await assert.rejects(prepare(client(written('LEASE', 'LEADER')), [shard(0)], 2), refused);
    assert.equal(await prepare(client(written('LEASE')), [shard(0)], 2), 0);
    assert.equal(await prepare(client(written('LEASE', 'LEADER')), [shard(0)], 3), 0);
  });

  it('may be prepared by two tasks at once', async () => {
    const dynamo = client({ ...fresh, PutItem: [failure('ConditionalCheckFailedException'), {}] });
    assert.equal(await prepare(dynamo, [shard(0), shard(1)]), 1);
  });

  it('that cannot be made or written is an error', async () => {
    await assert.rejects(prepare(client({ ...fresh, CreateTable: [failure('AccessDeniedException')] }), []), { code: 'TABLE_UNAVAILABLE' });
    await assert.rejects(prepare(client({ ...fresh, PutItem: [failure('AccessDeniedException')] }), [shard(0)]), {
      code: 'TABLE_UNAVAILABLE',
    });
  });
});

describe('the worker id', () => {
  const log = createLogger('test', 'error', () => {});

  it('is the configured one, else the ECS task, else the host', async () => {
    const server = createServer((request, response) =>
      response.end(request.url === '/v4/x/task' ? '{"TaskARN":"arn:aws:ecs:r:1:task/cluster/abc123"}' : ''),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const env = { ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v4/x` };
    assert.equal(await resolveWorkerId({ configured: 'mine', local: false, env }, log), 'mine');
    assert.equal(await resolveWorkerId({ configured: undefined, local: false, env }, log), 'abc123');
    assert.equal(await resolveWorkerId({ configured: undefined, local: true, env }, log), os.hostname());
    assert.equal(await resolveWorkerId({ configured: undefined, local: false, env: {} }, log), os.hostname());
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await resolveWorkerId({ configured: undefined, local: false, env }, log), os.hostname());
  });
});
