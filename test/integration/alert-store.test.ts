import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type TransactWriteItemsCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import type { SNSClient } from '@aws-sdk/client-sns';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { AlertStore, type PutOutcome } from '../../services/fraud-detector/alert-store.ts';
import { Notifier } from '../../services/fraud-detector/notifier.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { itemOf, type StoredAlert, storedAlertOf } from '../../services/lib/alerts/stored-alert.ts';
import { awsConfig, dynamoClient, snsClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { createLogger } from '../../services/lib/process/log.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import type { RuleMode } from '../../services/lib/rules/rules-file.ts';
import type { Fence } from '../../services/lib/state/fence.ts';
import { type AlertSource, alertsOfTable } from '../../services/redshift-loader/alerts/alert-source.ts';
import { requirePart } from '../support/optional.ts';

const table = 'fraud-alerts';
const start = 1_790_000_000_000;

let alerts = 0;
function alertOf(raisedAt: number, mode: RuleMode = 'live'): StoredAlert {
  const alertId = String(++alerts).padStart(32, '0');
  const evidence = [{ eventId: 'e'.repeat(32), occurredAt: start }];
  const times = { at: start, triggeredBy: 'e'.repeat(32), value: 1, evidenceCount: 1, evidence };
  const alert = { alertId, ruleId: 'churn', ruleVersion: 1, mode, severity: 'high', key: 'user-1', ...times } as const;
  return { alert, action: 'lock', raisedAt, arrivedAt: raisedAt - 5 };
}

const epochs = 'epochs';
const fenceOf = (shardId: string, epoch: number): Fence => ({
  shardId,
  epoch,
  check: {
    TableName: epochs,
    Key: { shard: { S: shardId } },
    ConditionExpression: 'epoch = :mine',
    ExpressionAttributeValues: { ':mine': { N: String(epoch) } },
  },
});

describe('the alerts table and its outbox', () => {
  let runDir: string;
  let stack: LocalStack;
  let dynamo: DynamoDBClient;
  let sns: SNSClient;
  let store: AlertStore;
  let topicArn: string;

  before(async function () {
    this.timeout(60_000);
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = await mkdtemp(join(tmpdir(), 'alerts-'));
    stack = await startStack({ runDir, parts: ['dynamodb', 'sns'] });
    const { consumes: _, ...withoutStream } = fraudDetector;
    await createResources(stack, [withoutStream]);
    const env = stack.environment();
    const config = loadConfig(awsConfig, env);
    topicArn = env['ALERTS_TOPIC_ARN'] ?? '';
    dynamo = dynamoClient(config);
    sns = snsClient(config);
    store = new AlertStore(dynamo, table);
    await dynamo.send(
      new CreateTableCommand({
        TableName: epochs,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'shard', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'shard', KeyType: 'HASH' }],
      }),
    );
    await waitUntilTableExists({ client: dynamo, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.2 }, { TableName: epochs });
    for (const shard of ['shard-1', 'shard-2']) await takeEpoch(shard, 1);
  });

  after(async () => {
    dynamo?.destroy();
    sns?.destroy();
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  const takeEpoch = (shard: string, epoch: number) =>
    dynamo.send(new PutItemCommand({ TableName: epochs, Item: { shard: { S: shard }, epoch: { N: String(epoch) } } }));
  const put = (...stored: StoredAlert[]) => store.putAll(fenceOf('shard-1', 1), stored);
  const item = async (alertId: string) =>
    (await dynamo.send(new GetItemCommand({ TableName: table, Key: { alertId: { S: alertId } }, ConsistentRead: true }))).Item ?? {};
  const caught = (alertId: string) => stack.caught().filter(({ message }) => message.includes(alertId));

  function notifierAt(now: () => number, to = topicArn, withheld = () => false) {
    const metrics = new Metrics();
    const logged: string[] = [];
    const log = createLogger('fraud-detector', 'info', (line) => logged.push(line));
    return { notifier: new Notifier({ sns, topicArn: to, store, log, metrics, now, withheld, maxPerMinute: 600 }), metrics, logged };
  }

  it('has an alert under its day (UTC) for the loader, as it is now', async () => {
    const day = Date.UTC(2031, 0, 2);
    const [first, second, other] = [alertOf(day), alertOf(day + 86_399_999), alertOf(day + 86_400_000)];
    await put(second, first, other);
    await store.markPublished(first.alert.alertId, day + 5);
    const read = async (source: AlertSource) => {
      const found = [];
      for await (const items of source('2031-01-02', new AbortController().signal)) found.push(...items.map(storedAlertOf));
      return found.map(({ alert, publishedAt }) => [alert.alertId, publishedAt]);
    };
    assert.deepEqual(await read(alertsOfTable(dynamo, table)), [
      [first.alert.alertId, day + 5],
      [second.alert.alertId, undefined],
    ]);
    await assert.rejects(read(alertsOfTable(dynamo, 'no-such-table')), { code: 'TABLE_UNAVAILABLE', retriable: true });
  });

  it('stores an alert once, however many shards put it at a time, and keeps the first', async () => {
    const stored = alertOf(start);
    const owners = Array.from({ length: 6 }, (_, i) => {
      const owner = new AlertStore(dynamo, table);
      return owner.putAll(fenceOf(`shard-${1 + (i % 2)}`, 1), [{ ...stored, raisedAt: start + i }, alertOf(start)]);
    });
    const outcomes = (await Promise.all(owners)).map((of) => (of === 'fenced' ? assert.fail('fenced') : of));
    assert.equal(outcomes.filter(([first]) => first?.created).length, 1);
    assert.ok(outcomes.every(([first, other]) => first?.pending && other?.created));
    const kept = storedAlertOf(await item(stored.alert.alertId));
    assert.deepEqual(kept, { ...stored, raisedAt: kept.raisedAt, pending: true });
  });

  it('tells of each alert that is there already whether it is still to be published, in one answer', async () => {
    const [waiting, published, fresh] = [alertOf(start), alertOf(start), alertOf(start)];
    await put(waiting, published);
    await store.markPublished(published.alert.alertId, start);
    const expected: PutOutcome[] = [
      { created: false, pending: true },
      { created: true, pending: true },
      { created: false, pending: false },
    ];
    assert.deepEqual(await put(waiting, fresh, published), expected);
  });

  it('stores more alerts than one transaction takes, each once', async () => {
    const many = Array.from({ length: 60 }, () => alertOf(start));
    const outcomes = await put(...many, ...many.slice(0, 30));
    assert.notEqual(outcomes, 'fenced');
    assert.deepEqual(
      (outcomes as PutOutcome[]).map(({ created }) => created),
      [...Array(60).fill(true), ...Array(30).fill(false)],
    );
    for (const { alert } of many) await store.markPublished(alert.alertId, start);
  });

  it('refuses a former owner, whose alert is then not there, while the new one stores it', async () => {
    const stored = alertOf(start);
    await takeEpoch('shard-2', 2);
    const metrics = new Metrics();
    const zombie = new AlertStore(dynamo, table, { metrics });
    assert.equal(await zombie.putAll(fenceOf('shard-2', 1), [stored]), 'fenced');
    assert.deepEqual(await item(stored.alert.alertId), {});
    assert.deepEqual(metrics.drain().counters, [{ name: 'fenced_writes_refused', labels: { what: 'alert' }, value: 1 }]);
    assert.deepEqual(await store.putAll(fenceOf('shard-2', 2), [stored]), [{ created: true, pending: true }]);
    assert.equal(await zombie.putAll(fenceOf('shard-2', 1), [stored]), 'fenced', 'also when the alert is there');
  });

  it('refuses who owns a shard that nobody has taken', async () => {
    assert.equal(await store.putAll(fenceOf('shard-3', 1), [alertOf(start)]), 'fenced');
  });

  it('finds what a transaction did whose answer got lost', async () => {
    const stored = [alertOf(start), alertOf(start, 'shadow')];
    let lost = 0;
    const deaf = {
      send: async (command: TransactWriteItemsCommand) => {
        const answer = await dynamo.send(command);
        if (lost++ === 0) throw Object.assign(new Error('socket hang up'), { name: 'TimeoutError' });
        return answer;
      },
    } as unknown as DynamoDBClient;
    assert.deepEqual(await new AlertStore(deaf, table).putAll(fenceOf('shard-1', 1), stored), [
      { created: false, pending: true },
      { created: false, pending: false },
    ]);
  });

  it('publishes an alert with what subscribers filter by, then takes it off the outbox', async () => {
    const stored = alertOf(start);
    const { notifier, metrics } = notifierAt(() => start + 7);
    await put(stored);
    assert.equal(await notifier.publish([stored]), 1);
    const [message, ...more] = caught(stored.alert.alertId);
    assert.deepEqual(more, []);
    assert.deepEqual(JSON.parse(message?.message ?? ''), stored.alert);
    assert.deepEqual(message?.attributes, { severity: 'high', ruleId: 'churn', mode: 'live', action: 'lock' });
    const { pending, publishedAt } = await item(stored.alert.alertId);
    assert.deepEqual([pending, publishedAt], [undefined, { N: String(start + 7) }]);
    assert.equal(metrics.drain().counters.find(({ name }) => name === 'alerts_published')?.value, 1);
  });

  it('takes a withheld alert off the outbox until it is released, then the sweep publishes it', async () => {
    const stored = alertOf(start + 300_000);
    let now = stored.raisedAt;
    let isWithheld = true;
    const { notifier } = notifierAt(
      () => now,
      topicArn,
      () => isWithheld,
    );
    await put(stored);
    assert.equal(await notifier.publish([stored]), 0);
    const withheld = storedAlertOf(await item(stored.alert.alertId));
    assert.deepEqual([withheld.pending, withheld.withheldAt], [false, now]);
    now += 10_001;
    await notifier.sweep();
    assert.deepEqual(caught(stored.alert.alertId), []);
    isWithheld = false;
    assert.deepEqual([await store.release(stored.alert.alertId), await store.release(stored.alert.alertId)], [true, false]);
    now += 10_001;
    await notifier.sweep();
    assert.equal(caught(stored.alert.alertId).length, 1);
    const { pending, withheldAt, publishedAt } = storedAlertOf(await item(stored.alert.alertId));
    assert.deepEqual([pending, withheldAt, publishedAt], [false, undefined, now]);
    assert.equal(await store.release(stored.alert.alertId), false, 'what was published is not released');
    assert.equal(await store.markWithheld(stored.alert.alertId, now), false, 'nor withheld');
  });

  it('takes an alert that SNS refuses off the outbox until it is released, and publishes the others', async () => {
    const [huge, other] = [alertOf(start + 400_000), alertOf(start + 400_000)];
    const refused = { ...huge, alert: { ...huge.alert, triggeredBy: 'e'.repeat(300_000) } };
    let now = refused.raisedAt;
    const { notifier, metrics } = notifierAt(() => now);
    await put(refused, other);
    assert.equal(await notifier.publish([refused, other]), 1);
    const { pending, withheldAt, refused: reason } = storedAlertOf(await item(refused.alert.alertId));
    assert.deepEqual([pending, withheldAt], [false, now]);
    assert.equal(reason, 'InvalidParameterException: Invalid parameter: Message too long');
    assert.equal(metrics.drain().counters.find(({ name }) => name === 'alerts_refused')?.value, 1);
    assert.equal(await store.release(refused.alert.alertId), true);
    assert.deepEqual(storedAlertOf(await item(refused.alert.alertId)), { ...refused, pending: true });
    await store.markPublished(refused.alert.alertId, now);
  });

  it('takes an item that is no alert off the outbox, and only once', async () => {
    const stored = alertOf(start - 5);
    const { alertId } = stored.alert;
    await dynamo.send(new PutItemCommand({ TableName: table, Item: { ...itemOf(stored), alert: { S: '{' } } }));
    const metrics = new Metrics();
    const found = await new AlertStore(dynamo, table, { metrics, now: () => start }).pendingBefore(start, 25);
    assert.ok(!found.some(({ alert }) => alert.alertId === alertId));
    const { pending, refused, withheldAt } = await item(alertId);
    assert.deepEqual([pending, refused?.S, withheldAt?.N], [undefined, `not a stored alert: ${alertId}`, String(start)]);
    assert.equal(metrics.drain().counters.find(({ name }) => name === 'alerts_malformed')?.value, 1);
    assert.equal(await store.markRefused(alertId, start, 'again'), false);
  });

  it('never puts a shadow alert on the outbox', async () => {
    const stored = alertOf(start, 'shadow');
    assert.deepEqual(await put(stored), [{ created: true, pending: false }]);
    assert.equal((await item(stored.alert.alertId))['pending'], undefined);
  });

  it('sweeps what a failed publish left behind, once it is older than 10 s, one sweeper at a time', async () => {
    const stored = alertOf(start + 100_000);
    let now = stored.raisedAt;
    const { notifier: failing, logged } = notifierAt(() => now, `${topicArn}-missing`);
    await put(stored);
    assert.equal(await failing.publish([stored]), 0, 'a failure is not thrown');
    assert.ok(logged.some((line) => line.includes('alert.publish.failed') && line.includes('NOTIFY_FAILED')));

    now += 10_000;
    await notifierAt(() => now).notifier.sweep();
    assert.deepEqual(caught(stored.alert.alertId), [], 'not older than 10 s');
    now += 1;
    const sweepers = Array.from({ length: 4 }, () => notifierAt(() => now).notifier);
    await Promise.all(sweepers.map((notifier) => notifier.sweep()));
    assert.equal(caught(stored.alert.alertId).length, 1);
    assert.equal((await item(stored.alert.alertId))['pending'], undefined);
  });

  it('sweeps again what a sweeper took and could not publish', async () => {
    const stored = alertOf(start + 200_000);
    let now = stored.raisedAt + 10_001;
    await put(stored);
    await notifierAt(() => now, `${topicArn}-missing`).notifier.sweep();
    now += 10_001;
    await notifierAt(() => now).notifier.sweep();
    assert.equal(caught(stored.alert.alertId).length, 1);
  });

  it('takes the oldest first and a bounded number', async () => {
    const left = [3, 1, 2].map((i) => alertOf(start - i));
    for (const stored of left) await put(stored);
    const found = await store.pendingBefore(start, 2);
    assert.deepEqual(
      found.map(({ raisedAt }) => raisedAt),
      [start - 3, start - 2],
    );
    for (const { alert } of left) await store.markPublished(alert.alertId, start);
  });
});
