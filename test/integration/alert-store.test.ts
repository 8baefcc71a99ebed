import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import type { SNSClient } from '@aws-sdk/client-sns';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { AlertStore } from '../../services/fraud-detector/alert-store.ts';
import { Notifier } from '../../services/fraud-detector/notifier.ts';
import { fraudDetector } from '../../services/fraud-detector/service.ts';
import { type StoredAlert, storedAlertOf } from '../../services/fraud-detector/stored-alert.ts';
import { awsConfig, dynamoClient, snsClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { createLogger } from '../../services/lib/process/log.ts';
import { Metrics } from '../../services/lib/process/metrics.ts';
import type { RuleMode } from '../../services/lib/rules/rules-file.ts';
import { requirePart } from '../support/optional.ts';

const table = 'fraud-alerts';
const start = 1_790_000_000_000;

let alerts = 0;
function alertOf(raisedAt: number, mode: RuleMode = 'live'): StoredAlert {
  const alertId = String(++alerts).padStart(32, '0');
  const evidence = [{ eventId: 'e'.repeat(32), occurredAt: start }];
  const times = { at: start, triggeredBy: 'e'.repeat(32), value: 1, evidenceCount: 1, evidence };
  return { alert: { alertId, ruleId: 'churn', ruleVersion: 1, mode, severity: 'high', key: 'user-1', ...times }, action: 'lock', raisedAt };
}

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
  });

  after(async () => {
    dynamo?.destroy();
    sns?.destroy();
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  const item = async (alertId: string) =>
    (await dynamo.send(new GetItemCommand({ TableName: table, Key: { alertId: { S: alertId } }, ConsistentRead: true }))).Item ?? {};
  const caught = (alertId: string) => stack.caught().filter(({ message }) => message.includes(alertId));

  function notifierAt(now: () => number, to = topicArn) {
    const metrics = new Metrics();
    const logged: string[] = [];
    const log = createLogger('fraud-detector', 'info', (line) => logged.push(line));
    return { notifier: new Notifier({ sns, topicArn: to, store, log, metrics, now }), metrics, logged };
  }

  it('stores an alert once, whoever puts it, and keeps the first', async () => {
    const stored = alertOf(start);
    const outcomes = await Promise.all(Array.from({ length: 5 }, (_, i) => store.put({ ...stored, raisedAt: start + i })));
    assert.equal(outcomes.filter(({ created }) => created).length, 1);
    assert.ok(outcomes.every(({ pending }) => pending));
    const kept = storedAlertOf(await item(stored.alert.alertId));
    assert.deepEqual(kept, { ...stored, raisedAt: kept.raisedAt });
    await store.markPublished(stored.alert.alertId, start);
    assert.deepEqual(await store.put(stored), { created: false, pending: false });
  });

  it('publishes an alert with what subscribers filter by, then takes it off the outbox', async () => {
    const stored = alertOf(start);
    const { notifier, metrics } = notifierAt(() => start + 7);
    await store.put(stored);
    assert.deepEqual(await notifier.publish([stored]), new Map([[stored.alert.alertId, start + 7]]));
    const [message, ...more] = caught(stored.alert.alertId);
    assert.deepEqual(more, []);
    assert.deepEqual(JSON.parse(message?.message ?? ''), stored.alert);
    assert.deepEqual(message?.attributes, { severity: 'high', ruleId: 'churn', mode: 'live', action: 'lock' });
    const { pending, publishedAt } = await item(stored.alert.alertId);
    assert.deepEqual([pending, publishedAt], [undefined, { N: String(start + 7) }]);
    assert.equal(metrics.drain().counters.find(({ name }) => name === 'alerts_published')?.value, 1);
  });

  it('never puts a shadow alert on the outbox', async () => {
    const stored = alertOf(start, 'shadow');
    assert.deepEqual(await store.put(stored), { created: true, pending: false });
    assert.equal((await item(stored.alert.alertId))['pending'], undefined);
  });

  it('sweeps what a failed publish left behind, once it is older than 10 s, one sweeper at a time', async () => {
    const stored = alertOf(start + 100_000);
    let now = stored.raisedAt;
    const { notifier: failing, logged } = notifierAt(() => now, `${topicArn}-missing`);
    await store.put(stored);
    assert.equal((await failing.publish([stored])).size, 0, 'a failure is not thrown');
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
    await store.put(stored);
    await notifierAt(() => now, `${topicArn}-missing`).notifier.sweep();
    now += 10_001;
    await notifierAt(() => now).notifier.sweep();
    assert.equal(caught(stored.alert.alertId).length, 1);
  });

  it('takes the oldest first and a bounded number', async () => {
    const left = [3, 1, 2].map((i) => alertOf(start - i));
    for (const stored of left) await store.put(stored);
    const found = await store.pendingBefore(start, 2);
    assert.deepEqual(
      found.map(({ raisedAt }) => raisedAt),
      [start - 3, start - 2],
    );
    for (const { alert } of left) await store.markPublished(alert.alertId, start);
  });
});
