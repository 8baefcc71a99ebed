import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { type Position, position, shardEnd } from '../../services/lib/kcl/position.ts';
import { awsConfig, dynamoClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { DynamoStateTable, readPositions, readRows } from '../../services/lib/state/dynamo-state-table.ts';
import type { Fence } from '../../services/lib/state/fence.ts';
import type { SnapshotRef } from '../../services/lib/state/state-row.ts';
import { requirePart } from '../support/optional.ts';

const table = 'shard-state';
const application = 'detector';
const scope = { application, streamId: 'events@1790000000' };
const at = (i: number): Position => position(String(i));
const refAt = (where: Position): SnapshotRef => ({ epoch: 1, position: where, generation: 1, parts: 1, bytes: 9, writtenAt: 8 });

describe('the state table', () => {
  let runDir: string;
  let stack: LocalStack;
  let dynamo: DynamoDBClient;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = await mkdtemp(join(tmpdir(), 'state-'));
    stack = await startStack({ runDir, parts: ['dynamodb'] });
    const { consumes: _, topics: __, ...tablesOnly } = fraudDetector;
    await createResources(stack, [{ ...tablesOnly, topics: [] }]);
    dynamo = dynamoClient(loadConfig(awsConfig, stack.environment()));
    // As KCL makes it (KCL: DynamoDBLeaseRefresher, DynamoDBLeaseSerializer).
    await dynamo.send(
      new CreateTableCommand({
        TableName: application,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'leaseKey', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
      }),
    );
    await waitUntilTableExists({ client: dynamo, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.2 }, { TableName: application });
  });

  after(async () => {
    dynamo?.destroy();
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  let shards = 0;
  const newShard = (): string => `shardId-${String(++shards).padStart(12, '0')}`;
  const lease = (shardId: string, owner?: string) =>
    dynamo.send(
      new PutItemCommand({
        TableName: application,
        Item: { leaseKey: { S: shardId }, leaseCounter: { N: '7' }, ...(owner === undefined ? {} : { leaseOwner: { S: owner } }) },
      }),
    );
  const of = (workerId: string, to = scope): DynamoStateTable => new DynamoStateTable(dynamo, table, { ...to, workerId });
  async function owned(shardId: string, worker = 'a'): Promise<{ rows: DynamoStateTable; fence: Fence }> {
    await lease(shardId, worker);
    const rows = of(worker);
    const seen = (await rows.read(shardId))?.epoch ?? 0;
    assert.equal(await rows.raiseEpoch(shardId, seen), 'raised');
    return { rows, fence: rows.fenceOf(shardId, seen + 1) };
  }

  it('raises the epoch of a shard whose lease names this worker', async () => {
    const shardId = newShard();
    assert.equal(await of('a').read(shardId), undefined);
    await owned(shardId, 'a');
    const { rows } = await owned(shardId, 'b');
    const row = await rows.read(shardId);
    assert.deepEqual([row?.epoch, row?.worker, row?.current], [2, 'b', undefined]);
  });

  it('raises none for who is not the lease’s owner, and writes nothing', async () => {
    const [another, nobody, none] = [newShard(), newShard(), newShard()];
    await lease(another, 'b');
    await lease(nobody);
    for (const shardId of [another, nobody, none]) {
      assert.equal(await of('a').raiseEpoch(shardId, 0), 'notOwner', shardId);
      assert.deepEqual([await of('a').ownsLease(shardId), await of('a').read(shardId)], [false, undefined]);
    }
    assert.equal(await of('b').ownsLease(another), true);
  });

  it('raises none that another took meanwhile', async () => {
    const shardId = newShard();
    const { rows } = await owned(shardId);
    for (const seen of [0, 2]) assert.equal(await rows.raiseEpoch(shardId, seen), 'passed', String(seen));
    assert.equal((await rows.read(shardId))?.epoch, 1);
    await lease(shardId, 'b');
    assert.equal(await rows.raiseEpoch(shardId, 0), 'notOwner', 'whose lease it is counts more');
  });

  it('gives each of many epochs to one of many processes', async () => {
    const shardId = newShard();
    await lease(shardId, 'a');
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => of('a').raiseEpoch(shardId, 0)));
    const raised = outcomes.filter((outcome) => outcome.status === 'fulfilled' && outcome.value === 'raised');
    assert.equal(raised.length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') assert.equal((outcome.reason as { retriable?: boolean }).retriable, true, String(outcome.reason));
    }
    assert.equal((await of('a').read(shardId))?.epoch, 1);
  });

  it('reads what was written, and changes only what a write names', async () => {
    const shardId = newShard();
    const { rows, fence } = await owned(shardId);
    const attempt = { checkpoint: at(3), starts: 2, deaths: 1, suspect: { from: at(4), to: at(5) } };
    const skips = [{ position: at(2), since: 1 }];
    assert.equal(await rows.write(fence, { attempt, skips }), 'written');
    assert.equal(await rows.write(fence, { current: refAt(at(9)), previous: refAt(at(8)) }), 'written');
    const row = await rows.read(shardId);
    const refs = { current: refAt(at(9)), previous: refAt(at(8)) };
    assert.deepEqual(row, { epoch: 1, worker: 'a', ...refs, final: false, attempt, skips, retired: false });
    await rows.write(fence, { current: refAt(shardEnd), previous: null, attempt: null, final: true });
    assert.deepEqual(await rows.read(shardId), { ...row, current: refAt(shardEnd), previous: undefined, attempt: undefined, final: true });
  });

  it('refuses a write under an epoch that was passed, or that nobody took', async () => {
    const shardId = newShard();
    const { rows, fence } = await owned(shardId);
    await owned(shardId, 'b');
    const before = await rows.read(shardId);
    assert.equal(await rows.write(fence, { current: refAt(at(9)) }), 'fenced');
    assert.equal(await rows.write(rows.fenceOf(shardId, 3), { current: refAt(at(9)) }), 'fenced');
    assert.equal(await rows.write(rows.fenceOf(newShard(), 1), { current: refAt(at(9)) }), 'fenced');
    assert.deepEqual(await rows.read(shardId), before);
  });

  it('has a fence that holds in transactions of others', async () => {
    const shardId = newShard();
    const { fence } = await owned(shardId);
    const put = { Put: { TableName: application, Item: { leaseKey: { S: `put-${shardId}` } } } };
    const transact = () => dynamo.send(new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: fence.check }, put] }));
    await transact();
    await owned(shardId, 'b');
    await assert.rejects(transact(), { name: 'TransactionCanceledException' });
  });

  it('retires a final only', async () => {
    const shardId = newShard();
    const { rows, fence } = await owned(shardId);
    await assert.rejects(rows.retire(shardId), { code: 'TABLE_UNAVAILABLE' });
    await assert.rejects(rows.retire(newShard()), { code: 'TABLE_UNAVAILABLE' });
    assert.equal((await rows.read(shardId))?.retired, false);
    await rows.write(fence, { current: refAt(shardEnd), final: true });
    await rows.retire(shardId);
    const row = await rows.read(shardId);
    assert.deepEqual([row?.retired, row?.final, row?.current], [true, true, refAt(shardEnd)]);
  });

  it('lists the rows and positions of one application on one stream, over many pages', async () => {
    const large = { application, streamId: 'large@1' };
    // 170 bytes a skip: 340 KB a row, so three fill a page of 1 MiB.
    const skips = Array.from({ length: 2_000 }, (_, i) => ({ position: at(i), since: i }));
    const expected = new Map<string, Position>();
    for (let i = 0; i < 8; i++) {
      const shardId = newShard();
      await lease(shardId, 'a');
      const rows = of('a', large);
      await rows.raiseEpoch(shardId, 0);
      const current = refAt(i === 3 ? shardEnd : at(i));
      if (i !== 5) expected.set(shardId, current.position);
      await rows.write(rows.fenceOf(shardId, 1), { skips, ...(i === 5 ? {} : { current }) });
    }
    let pages = 0;
    const counting = { send: (command: never) => (pages++, dynamo.send(command)) } as unknown as DynamoDBClient;
    const rows = await readRows(counting, table, large);
    assert.ok(pages > 1, `${pages} page`);
    assert.deepEqual([rows.size, [...rows.values()].every((row) => row.skips.length === 2_000)], [8, true]);
    assert.deepEqual(await readPositions(dynamo, table, large), expected);
    assert.equal((await readRows(dynamo, table, { ...large, streamId: 'large@2' })).size, 0);
  });

  it('says that it is away when it is, and that waiting helps; not so when it does not exist', async () => {
    const shardId = newShard();
    const away = {
      send: () => Promise.reject(Object.assign(new Error('socket hang up'), { name: 'TimeoutError' })),
    } as unknown as DynamoDBClient;
    await assert.rejects(new DynamoStateTable(away, table, { ...scope, workerId: 'a' }).read(shardId), {
      code: 'TABLE_UNAVAILABLE',
      retriable: true,
    });
    const missing = new DynamoStateTable(dynamo, 'no-such-table', { ...scope, workerId: 'a' });
    await assert.rejects(missing.read(shardId), { code: 'TABLE_UNAVAILABLE', retriable: false });
  });

  it('is not owned through a lease that is gone', async () => {
    const shardId = newShard();
    const { rows } = await owned(shardId);
    await dynamo.send(new DeleteItemCommand({ TableName: application, Key: { leaseKey: { S: shardId } } }));
    assert.equal(await rows.ownsLease(shardId), false);
    assert.equal(await rows.raiseEpoch(shardId, 1), 'notOwner');
  });
});
