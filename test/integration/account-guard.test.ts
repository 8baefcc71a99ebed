import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DynamoDBClient, TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { type LocalLambda, startLambda } from '../../scripts/local/lambda/lambda.ts';
import type { SubscriptionOptions } from '../../scripts/local/sns/subscription.ts';
import { createResources, type LocalStack, startStack } from '../../scripts/local/stack.ts';
import { ensureBundles } from '../../scripts/setup/bundles.mjs';
import { Accounts } from '../../services/account-guard/accounts.ts';
import { accountGuard } from '../../services/account-guard/service.ts';
import { awsConfig, dynamoClient, snsClient } from '../../services/lib/process/aws.ts';
import { loadConfig } from '../../services/lib/process/config.ts';
import { requirePart } from '../support/optional.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const [subscription] = accountGuard.subscribes ?? [];
const lockMs = 86_400_000;

let users = 0;
const newUser = (): string => `user-${++users}`;

describe('account-guard, from SNS to the table', () => {
  let runDir: string;
  let stack: LocalStack;
  let dynamo: DynamoDBClient;
  let sns: SNSClient;
  let functions: LocalLambda[];
  let accounts: Accounts;
  let topicArn: string;

  before(async function () {
    this.timeout(90_000);
    requirePart(this, 'java');
    requirePart(this, 'dynamodb-local');
    runDir = await mkdtemp(join(tmpdir(), 'guard-'));
    await ensureBundles(root);
    stack = await startStack({ runDir, parts: ['dynamodb', 'sns'] });
    await createResources(stack, [accountGuard]);
    const env = stack.environment();
    const config = loadConfig(awsConfig, env);
    topicArn = env['ALERTS_TOPIC_ARN'] ?? '';
    dynamo = dynamoClient(config);
    sns = snsClient(config);
    accounts = new Accounts({ dynamo, table: 'accounts', now: Date.now });
    const { name, lambda } = accountGuard;
    const start = (n: number) =>
      startLambda({ name, env, logFile: join(runDir, 'logs', `${name}-${n}.log`), timeoutSeconds: lambda?.timeoutSeconds ?? 0 });
    functions = await Promise.all([start(1), start(2), start(3)]);
    // Every message goes to each function twice: six times, some of them at once.
    for (const { invoke } of functions) subscribe({ invoke, deliveries: () => 2 });
  });

  after(async () => {
    dynamo?.destroy();
    sns?.destroy();
    await Promise.all((functions ?? []).map(({ process }) => process.stop()));
    await stack?.stop();
    if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
  });

  const subscriptions: { settled(): Promise<void> }[] = [];
  function subscribe(options: Pick<SubscriptionOptions, 'invoke' | 'deliveries'>): void {
    const made = stack.sns?.subscribe({ topicArn, filterPolicy: subscription?.filterPolicy ?? {}, retryDelaysMs: [1, 1], ...options });
    if (made) subscriptions.push(made);
  }

  async function publish(
    userId: string,
    alertId: string,
    { action = 'lock', ...more }: { action?: string; [field: string]: unknown } = {},
  ) {
    const alert = { alertId, ruleId: 'churn', ruleVersion: 1, mode: 'live', severity: 'high', key: userId, value: 3, at: 1, ...more };
    await sns.send(
      new PublishCommand({
        TopicArn: topicArn,
        Message: JSON.stringify(alert),
        MessageAttributes: { action: { DataType: 'String', StringValue: action } },
      }),
    );
  }
  const settled = () => Promise.all(subscriptions.map((each) => each.settled()));
  const historyOf = async (userId: string) =>
    (await accounts.look(userId)).history.map(({ item }) => item?.S?.split('#').slice(0, 2).join('#'));

  it('locks the account once, however often and at how many places the alert arrives', async () => {
    const user = newUser();
    const from = Date.now();
    await publish(user, `${user}-a`);
    await settled();
    const { account } = await accounts.look(user);
    assert.ok(account?.status === 'locked');
    assert.deepEqual([account.version, account.alertId, account.ruleId], [1, `${user}-a`, 'churn']);
    assert.ok(account.lockedAt >= from && account.lockedAt <= Date.now());
    assert.equal(account.lockedUntil, account.lockedAt + lockMs);
    assert.deepEqual(await historyOf(user), [`alert#${user}-a`]);
    assert.deepEqual(stack.sns?.deadLetters(), []);
  });

  it('takes many alerts of one user at once, each once, as one lock from the first to the last', async () => {
    const user = newUser();
    const alertIds = Array.from({ length: 8 }, (_, n) => `${user}-${n}`);
    await Promise.all(alertIds.map((alertId) => publish(user, alertId)));
    await settled();
    const { account, history } = await accounts.look(user);
    assert.deepEqual(new Set(await historyOf(user)), new Set(alertIds.map((alertId) => `alert#${alertId}`)));
    const effects = history.map(({ effect }) => effect?.S);
    assert.equal(effects.filter((effect) => effect === 'locked').length, 1);
    assert.equal(account?.version, effects.filter((effect) => effect !== 'covered').length);
    const untils = history.map(({ lockedUntil }) => Number(lockedUntil?.N));
    assert.ok(account?.status === 'locked');
    assert.equal(account.lockedUntil, Math.max(...untils));
    assert.equal(account.lockedAt, Math.min(...history.map(({ at }) => Number(at?.N))));
    assert.deepEqual(stack.sns?.deadLetters(), []);
  });

  it('never locks again on an alert that a person overruled, but does on the next', async () => {
    const user = newUser();
    await publish(user, `${user}-a`);
    await settled();
    const decisions = await Promise.all(
      ['ann', 'ben', 'cem'].map((by) => accounts.unlock({ userId: user, by, reason: 'a travel agent', operator: 'test' })),
    );
    assert.deepEqual(decisions.map(({ kind }) => kind).sort(), ['not-locked', 'not-locked', 'unlock'], 'one of them did it');
    await publish(user, `${user}-a`);
    await settled();
    const { account, history } = await accounts.look(user);
    assert.deepEqual([account?.status, account?.version], ['active', 2]);
    const unlock = history.find(({ item }) => item?.S?.startsWith('unlock#'));
    assert.deepEqual([unlock?.['alertId']?.S, unlock?.['reason']?.S, unlock?.['operator']?.S], [`${user}-a`, 'a travel agent', 'test']);

    await publish(user, `${user}-b`);
    await settled();
    assert.equal((await accounts.look(user)).account?.status, 'locked');
  });

  it('leaves alone what asks for no lock', async () => {
    const [notified, shadowed, warming] = [newUser(), newUser(), newUser()];
    await publish(notified, 'n', { action: 'notify' });
    await publish(shadowed, 's', { mode: 'shadow' });
    await publish(warming, 'w', { warming: true });
    await settled();
    for (const user of [notified, shadowed, warming]) assert.deepEqual(await accounts.look(user), { account: undefined, history: [] });
  });

  it('hands a message that is no alert to the dead-letter queue after three attempts', async () => {
    const before = stack.sns?.deadLetters().length ?? 0;
    await publish('', 'broken');
    await settled();
    const letters = stack.sns?.deadLetters().slice(before) ?? [];
    assert.equal(letters.length, 6);
    assert.ok(letters.every(({ attempts, errorMessage }) => attempts === 3 && errorMessage.includes('not an alert')));
  });

  it('logs JSON lines alone, metrics among them', async () => {
    const log = readFileSync(join(runDir, 'logs', 'account-guard-1.log'), 'utf8');
    const lines = log
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('{')); // the SDK's own warning about old Nodes is none
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(parsed.some(({ event }) => event === 'message.invalid'));
    assert.ok(!parsed.some(({ reason }) => reason === 'action'), 'what asks for no lock is kept away by the filter policy');
    assert.ok(parsed.some((line) => '_aws' in line && line['alerts_handled'] === 1));
  });

  describe('whose table makes trouble', () => {
    type Send = DynamoDBClient['send'];
    const alertOf = (userId: string) => ({ alertId: 'x', ruleId: 'churn', ruleVersion: 1, userId, reason: 'because' });

    /** The table as it is, but for what happens to its transactions, one after the other. */
    function troubled(...troubles: ('lost' | Error | (() => Promise<unknown>))[]): Accounts {
      const real = dynamo.send.bind(dynamo) as unknown as (command: unknown, options: unknown) => Promise<unknown>;
      const send = async (command: unknown, options: unknown): Promise<unknown> => {
        const trouble = command instanceof TransactWriteItemsCommand ? troubles.shift() : undefined;
        if (trouble instanceof Error) throw trouble;
        if (typeof trouble === 'function') await trouble();
        const answer = await real(command, options);
        if (trouble === 'lost') throw new Error('socket hang up');
        return answer;
      };
      const client = { send: send as unknown as Send } as DynamoDBClient;
      return new Accounts({ dynamo: client, table: 'accounts', now: Date.now, deadlineMs: 1_000 });
    }
    const cancelled = (...codes: string[]) =>
      new TransactionCanceledException({
        message: 'cancelled',
        CancellationReasons: codes.map((Code) => ({ Code })),
        $metadata: { httpStatusCode: 400 },
      });

    it('tries again after a throttle or a conflict, and tells of each', async () => {
      const retries: string[] = [];
      const accounts = troubled(cancelled('None', 'ThrottlingError'), cancelled('TransactionConflict', 'None'));
      const { effect } = await accounts.lock(alertOf(newUser()), lockMs, ({ name }) => retries.push(name));
      assert.deepEqual([effect, retries.length], ['locked', 2]);
    });

    it('finds a lock whose answer was lost as done', async () => {
      const { effect, account } = await troubled('lost').lock(alertOf(newUser()), lockMs);
      assert.deepEqual([effect, account?.status, account?.version], ['duplicate', 'locked', 1]);
    });

    it('decides anew when the account changed after it was read', async () => {
      const user = newUser();
      const other = { ...alertOf(user), alertId: 'y' };
      const { effect, account } = await troubled(() => accounts.lock(other, lockMs)).lock(alertOf(user), 2 * lockMs);
      assert.deepEqual([effect, account?.version], ['extended', 2]);
    });

    it('does not take an account for locked that was unlocked meanwhile', async () => {
      const user = newUser();
      await accounts.lock({ ...alertOf(user), alertId: 'y' }, 2 * lockMs);
      const unlock = () => accounts.unlock({ userId: user, by: 'ann', reason: 'r', operator: 'test' });
      const { effect } = await troubled(unlock).lock(alertOf(user), lockMs);
      assert.equal(effect, 'locked', 'it was covered when it was read');
    });

    it('gives up when its deadline passes, and says that a retry may help', async () => {
      const user = newUser();
      const endless = troubled(...Array.from({ length: 100 }, () => cancelled('None', 'ThrottlingError')));
      await assert.rejects(endless.lock(alertOf(user), lockMs), { code: 'TABLE_UNAVAILABLE', retriable: true });
      assert.equal((await accounts.look(user)).account, undefined);
    });

    it('gives up at once what no retry can cure', async () => {
      const missing = new Accounts({ dynamo, table: 'missing', now: Date.now });
      await assert.rejects(missing.lock(alertOf(newUser()), lockMs), { code: 'TABLE_UNAVAILABLE', retriable: false });
      const refused = troubled(cancelled('ValidationError', 'None'));
      await assert.rejects(refused.lock(alertOf(newUser()), lockMs), { code: 'TABLE_UNAVAILABLE', retriable: false });
    });
  });
});
