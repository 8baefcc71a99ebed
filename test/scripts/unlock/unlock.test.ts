import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { parseFlags, UsageError } from '../../../scripts/cli/flags.ts';
import { createResources, type LocalStack, startStack } from '../../../scripts/local/stack.ts';
import { unlockFlags } from '../../../scripts/unlock/flags.ts';
import { unlock } from '../../../scripts/unlock/unlock.ts';
import { Accounts } from '../../../services/account-guard/accounts.ts';
import { accountGuard } from '../../../services/account-guard/service.ts';
import { awsConfig, dynamoClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { requirePart } from '../../support/optional.ts';

const start = 1_790_000_000_000;
const hour = 3_600_000;

async function run(argv: readonly string[], now = start, env: NodeJS.ProcessEnv = {}) {
  const out: string[] = [];
  const notes: string[] = [];
  const io = { env, out: (line: string) => out.push(line), note: (line: string) => notes.push(line), now: () => now, operator: 'tester' };
  const code = await unlock(parseFlags(unlockFlags, argv), io);
  return { code, out: out.join('\n'), notes: notes.join('\n') };
}

describe('unlock', () => {
  it('refuses what it cannot do: no user, no place, no reason, no name, another host', async () => {
    const wrong: [string[], RegExp][] = [
      [[], /--user ID/],
      [['--user', 'u'], /--stage STAGE, or --endpoint/],
      [['--user', 'u', '--stage', 'prod'], /AWS_REGION/],
      [['--user', 'u', '--stage', 'prod', '--endpoint', 'http://127.0.0.1:1'], /not both/],
      [['--user', 'u', '--yes', '--by', 'ann'], /--reason/],
      [['--user', 'u', '--yes', '--reason', 'r'], /--by/],
      [['--user', 'u', '--endpoint', 'http://example.com'], /loopback/],
      [['--user', 'u', '--reason', ' '], /1 to 500/],
    ];
    for (const [argv, message] of wrong) {
      await assert.rejects(
        async () => run(argv),
        (error) => error instanceof UsageError && message.test(error.message),
      );
    }
    await assert.rejects(run(['--user', 'u'], start, { DYNAMODB_ENDPOINT: 'http://example.com' }), UsageError);
  });

  describe('on a table', () => {
    let runDir: string;
    let stack: LocalStack;
    let dynamo: DynamoDBClient;
    let here: string[];

    before(async function () {
      this.timeout(60_000);
      requirePart(this, 'java');
      requirePart(this, 'dynamodb-local');
      runDir = await mkdtemp(join(tmpdir(), 'unlock-'));
      stack = await startStack({ runDir, parts: ['dynamodb', 'sns'] });
      await createResources(stack, [accountGuard]);
      dynamo = dynamoClient(loadConfig(awsConfig, stack.environment()));
      here = ['--endpoint', stack.dynamoEndpoint];
    });
    after(async () => {
      dynamo?.destroy();
      await stack?.stop();
      if (runDir !== undefined) await rm(runDir, { recursive: true, force: true });
    });

    const accountsAt = (now: number) => new Accounts({ dynamo, table: 'accounts', now: () => now });
    const lock = (userId: string, alertId: string, now = start) =>
      accountsAt(now).lock({ alertId, ruleId: 'churn', ruleVersion: 1, userId, reason: 'rule churn' }, hour);
    const yes = ['--reason', 'a travel agent', '--by', 'ann', '--yes'];

    it('shows the account and its lock first, and changes nothing', async () => {
      await lock('dry', 'a1');
      const before = await accountsAt(start).look('dry');
      const { code, out, notes } = await run(['--user', 'dry', ...here]);
      assert.equal(code, 0);
      assert.match(out, /^account dry: locked since 2026-09-21T14:13:20.000Z until 2026-09-21T15:13:20.000Z \(alert a1, rule churn\)$/m);
      assert.match(out, /^ {2}2026-09-21T14:13:20.000Z {2}locked by alert a1, rule churn$/m);
      assert.match(notes, /account 000000000000, region us-east-1, table accounts[^]*dry run/);
      assert.deepEqual(await accountsAt(start).look('dry'), before);
    });

    it('unlocks with a record of who, when, why and which alert, which never locks again', async () => {
      await lock('wronged', 'a1');
      const { code, out } = await run(['--user', 'wronged', ...yes, ...here], start + 5);
      assert.equal(code, 0);
      assert.match(out, /Unlocked\. Alert a1 never locks this account again\.$/);
      assert.equal((await lock('wronged', 'a1', start + 6)).effect, 'duplicate');
      const { account, history } = await accountsAt(start).look('wronged');
      assert.equal(account?.status, 'active');
      const unlocks = history.filter(({ by }) => by !== undefined);
      assert.deepEqual(
        unlocks.map(({ at, by, operator, reason, alertId, lockedUntil }) => [
          at?.N,
          by?.S,
          operator?.S,
          reason?.S,
          alertId?.S,
          lockedUntil?.N,
        ]),
        [[String(start + 5), 'ann', 'tester', 'a travel agent', 'a1', String(start + hour)]],
      );
    });

    it('says so when there is nothing to unlock any more, ends with 0, and records nothing', async () => {
      await lock('open', 'a1');
      await run(['--user', 'open', ...yes, ...here]);
      const before = await accountsAt(start).look('open');
      const second = await run(['--user', 'open', ...yes, ...here]);
      assert.deepEqual([second.code, second.out.includes('not locked')], [0, true]);
      assert.match(second.out, /unlocked at .* by ann: a travel agent/);
      assert.deepEqual(await accountsAt(start).look('open'), before);

      await lock('expired', 'a1');
      const { code, out } = await run(['--user', 'expired', ...yes, ...here], start + hour);
      assert.equal(code, 0);
      assert.match(out, /its lock ran out at 2026-09-21T15:13:20.000Z/);
    });

    it('ends with 1 for a user that no alert ever locked, and for a table that is not there', async () => {
      const { code, out, notes } = await run(['--user', 'nobody', ...yes, ...here]);
      assert.deepEqual([code, out], [1, '']);
      assert.match(notes, /No account of nobody in table accounts/);
      await assert.rejects(run(['--user', 'nobody', ...here, '--table', 'other']), { code: 'TABLE_UNAVAILABLE', message: /no such table/ });
    });

    it('tells all of it in one line of JSON', async () => {
      await lock('json', 'a1');
      const read = async (...argv: string[]) =>
        JSON.parse((await run(['--user', 'json', '--json', ...argv, ...here])).out) as Record<string, unknown>;
      const states = [await read(), await read(...yes), await read(...yes)].map(({ status, unlocked, dryRun, ok }) => [
        status,
        unlocked,
        dryRun,
        ok,
      ]);
      assert.deepEqual(states, [
        ['locked', false, true, true],
        ['not-locked', true, false, true],
        ['not-locked', false, false, true],
      ]);
      const { history } = (await read()) as { history: Record<string, unknown>[] };
      assert.deepEqual(
        history.map(({ at, effect, by, alertId, reason }) => [at, effect, by, alertId, reason]),
        [
          [start, 'locked', undefined, 'a1', 'rule churn'],
          [start, undefined, 'ann', 'a1', 'a travel agent'],
        ],
      );
      const unknown = JSON.parse((await run(['--user', 'nobody', '--json', ...here])).out) as Record<string, unknown>;
      assert.deepEqual([unknown['status'], unknown['ok']], ['unknown', false]);
    });
  });
});
