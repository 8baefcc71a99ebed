import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type LocalStack, startStack } from '../../../../scripts/local/stack.ts';
import { type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { dynamoCommitterLease } from '../../../../services/redshift-loader/commit/committer-lease.ts';
import { DynamoLoadRegistry, type LoadRegistry } from '../../../../services/redshift-loader/registry/registry.ts';
import { committerKey, type FileRow, filesKey, headsKey } from '../../../../services/redshift-loader/registry/registry-rows.ts';
import { requirePart } from '../../../support/optional.ts';
import { MemoryRegistry } from '../memory.ts';

const at = (n: number): Position => (n === 0 ? trimHorizon : position(String(n)));

function file(from: number, to: number, more: Partial<FileRow> = {}): FileRow {
  return {
    shardId: 's',
    fileId: `f${from}-${to}`,
    from: at(from),
    to: at(to),
    rows: 2,
    csvBytes: 400,
    registeredAt: 1_700_000_000_000,
    object: { key: `stage/${from}`, size: 99, sha256: 'ab' },
    occurred: [1, 2],
    oldestArrival: 3,
    ...more,
  };
}

const empty = (from: number, to: number): FileRow => {
  const { object, occurred, oldestArrival, ...rest } = file(from, to);
  void [object, occurred, oldestArrival];
  return { ...rest, rows: 0, csvBytes: 0 };
};

function registryContract(fresh: () => LoadRegistry): void {
  it('starts every shard at TRIM_HORIZON', async () => {
    assert.equal(await fresh().head('s'), trimHorizon);
    assert.deepEqual([...(await fresh().heads())], []);
  });

  it('moves the head and adds the file together, with or without an object', async () => {
    const registry = fresh();
    assert.equal(await registry.append(file(0, 5)), 'appended');
    assert.equal(await registry.append(empty(5, 7)), 'appended');
    assert.equal(await registry.head('s'), at(7));
    assert.deepEqual([...(await registry.heads())], [['s', at(7)]]);
    assert.deepEqual(await registry.files('s', trimHorizon, 10), [file(0, 5), empty(5, 7)]);
  });

  it('refuses an append that does not start at the head, and changes nothing', async () => {
    const registry = fresh();
    await registry.append(file(0, 5));
    for (const late of [file(0, 3), file(3, 9), file(6, 9)]) assert.equal(await registry.append(late), 'lost');
    assert.equal(await registry.head('s'), at(5));
    assert.deepEqual(await registry.files('s', trimHorizon, 10), [file(0, 5)]);
  });

  it('lets one of many appends from the same head win', async () => {
    const registry = fresh();
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map((to) => registry.append(file(0, to))));
    // A conflict between transactions leaves it open; the head says who won.
    const won = outcomes.flatMap((outcome, i) => (outcome.status === 'fulfilled' && outcome.value === 'appended' ? [at(i + 1)] : []));
    assert(won.length <= 1);
    const files = await registry.files('s', trimHorizon, 10);
    assert(files.length <= 1);
    assert.equal(await registry.head('s'), files[0]?.to ?? trimHorizon);
  });

  it('lists files from a position on, and before one, oldest first, up to a limit', async () => {
    const registry = fresh();
    for (const n of [0, 2, 4, 6]) await registry.append(file(n, n + 2));
    assert.deepEqual(
      (await registry.files('s', at(2), 2)).map((f) => f.from),
      [at(2), at(4)],
    );
    assert.deepEqual(
      (await registry.filesBefore('s', at(6), 2)).map((f) => f.from),
      [at(0), at(2)],
    );
    assert.deepEqual(await registry.files('other', trimHorizon, 2), []);
  });

  it('replaces the object of a file, with all that goes with it, and only while it is the one that was seen', async () => {
    const registry = fresh();
    await registry.append(file(0, 5));
    const refused = { line: 2, column: 'seats', reason: '22003', detail: 'out of range', content: 'a,"b"\n' };
    const next = file(0, 5, {
      rows: 1,
      object: { key: 'stage/new', size: 50, sha256: 'cd' },
      quarantined: [refused],
      sampledTimes: [[1, 3]],
    });
    assert.equal(await registry.replaceObject(next, 'stage/other'), 'lost');
    assert.equal(await registry.replaceObject({ ...next, fileId: 'another' }, 'stage/0'), 'lost', 'another file begins there');
    assert.deepEqual(await registry.files('s', trimHorizon, 10), [file(0, 5)]);
    assert.equal(await registry.replaceObject(next, 'stage/0'), 'replaced');
    assert.deepEqual(await registry.files('s', trimHorizon, 10), [next]);
    assert.equal(await registry.replaceObject(next, 'stage/0'), 'lost');
    assert.equal(await registry.replaceObject({ ...empty(0, 5), fileId: next.fileId }, 'stage/new'), 'replaced', 'without rows no object');
    await registry.remove(next);
    assert.equal(await registry.replaceObject(next, 'stage/0'), 'lost', 'a row that is gone does not come back');
    assert.deepEqual(await registry.files('s', trimHorizon, 10), []);
  });

  it('keeps the head when a file row goes', async () => {
    const registry = fresh();
    await registry.append(file(0, 2));
    await registry.remove(file(0, 2));
    assert.deepEqual(await registry.files('s', trimHorizon, 10), []);
    assert.equal(await registry.head('s'), at(2));
    assert.equal(await registry.append(file(0, 2)), 'lost');
  });
}

describe('registry in memory', () => registryContract(() => new MemoryRegistry()));

describe('registry on a DynamoDB that refuses', () => {
  const failing = (name: string, httpStatusCode?: number, more: object = {}): LoadRegistry => {
    const error = Object.assign(new Error(name), {
      name,
      ...(httpStatusCode === undefined ? {} : { $metadata: { httpStatusCode } }),
      ...more,
    });
    return new DynamoLoadRegistry({ send: () => Promise.reject(error) } as unknown as DynamoDBClient, 'registry', 'loader', 'events@1');
  };
  const calls: readonly ((registry: LoadRegistry) => Promise<unknown>)[] = [
    (registry) => registry.head('s'),
    (registry) => registry.heads(),
    (registry) => registry.append(file(0, 5)),
    (registry) => registry.files('s', trimHorizon, 1),
    (registry) => registry.filesBefore('s', at(5), 1),
    (registry) => registry.replaceObject(file(0, 5), 'stage/0'),
    (registry) => registry.remove(file(0, 5)),
  ];

  it('says that no waiting helps when table or right is missing, or the request is not one that the table takes', async () => {
    for (const name of ['ResourceNotFoundException', 'AccessDeniedException', 'ValidationException']) {
      for (const call of calls) await assert.rejects(call(failing(name, 400)), { code: 'TABLE_UNAVAILABLE', retriable: false }, name);
    }
  });

  it('says that it may pass when it throttles, fails or does not answer', async () => {
    const passing = [
      failing('ThrottlingException', 400),
      failing('ProvisionedThroughputExceededException', 400),
      failing('InternalServerError', 500),
      failing('TimeoutError'),
      failing('TransactionCanceledException', 400, { CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'None' }] }),
    ];
    for (const registry of passing) {
      for (const call of calls) await assert.rejects(call(registry), { code: 'TABLE_UNAVAILABLE', retriable: true });
    }
  });
});

describe('registry on DynamoDB', () => {
  const runDir = mkdtempSync(join(tmpdir(), 'registry-'));
  let stack: LocalStack;
  let dynamo: DynamoDBClient;
  let streams = 0;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'dynamodb-local');
    stack = await startStack({ runDir, parts: ['dynamodb'] });
    dynamo = new DynamoDBClient({
      endpoint: stack.dynamoEndpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    await dynamo.send(
      new CreateTableCommand({
        TableName: 'registry',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
      }),
    );
  });

  after(async () => {
    dynamo?.destroy();
    await stack?.stop();
    rmSync(runDir, { recursive: true, force: true });
  });

  registryContract(() => new DynamoLoadRegistry(dynamo, 'registry', 'loader', `events@${++streams}`));

  it('keeps applications, streams and shards apart by key', () => {
    assert.equal(headsKey('app', 'events@1'), 'app#events@1');
    assert.equal(filesKey('app', 'events@1', 's'), 'app#events@1#s');
    assert.equal(committerKey('app'), 'app#committer');
  });

  it('says that a table is missing, not that there is no head', async () => {
    const registry = new DynamoLoadRegistry(dynamo, 'absent', 'loader', 'events@1');
    await assert.rejects(registry.head('s'), { code: 'TABLE_UNAVAILABLE', retriable: false });
  });

  it('gives the committer lease to one, prolongs it for him, and to another once it has run out or was given up', async () => {
    const clock = { now: 1_000 };
    const lease = (owner: string) =>
      dynamoCommitterLease(dynamo, { table: 'registry', application: 'loader', owner, leaseMs: 100, now: () => clock.now });
    assert.equal(await lease('a').claim(), true);
    assert.equal(await lease('b').claim(), false);
    clock.now += 90;
    assert.equal(await lease('a').claim(), true);
    clock.now += 90;
    assert.equal(await lease('b').claim(), false);
    clock.now += 20;
    assert.equal(await lease('b').claim(), true);
    await lease('a').release();
    assert.equal(await lease('a').claim(), false, 'not his to give up');
    await lease('b').release();
    assert.equal(await lease('a').claim(), true);
  });
});
