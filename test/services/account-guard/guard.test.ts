import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LockOutcome } from '../../../services/account-guard/accounts.ts';
import type { LockAlert } from '../../../services/account-guard/alert-message.ts';
import { guardAccounts } from '../../../services/account-guard/guard.ts';
import { accountGuard } from '../../../services/account-guard/service.ts';
import { fraudDetector } from '../../../services/fraud-detector/service.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { lambdaHandler } from '../../../services/lib/process/lambda.ts';

const publishedAt = '2026-11-23T08:00:00.000Z';
const alert = {
  alertId: 'a1',
  ruleId: 'churn',
  ruleVersion: 3,
  mode: 'live',
  severity: 'high',
  key: 'user-1',
  value: 4,
  at: 1,
  evidence: [],
};

const record = (message: unknown, attributes: Readonly<Record<string, string>> = { action: 'lock' }) => ({
  EventSource: 'aws:sns',
  Sns: {
    MessageId: 'm1',
    Message: typeof message === 'string' ? message : JSON.stringify(message),
    Timestamp: publishedAt,
    MessageAttributes: Object.fromEntries(Object.entries(attributes).map(([name, Value]) => [name, { Type: 'String', Value }])),
  },
});

/** The whole handler over a table that answers as told. */
async function invoke(
  records: readonly unknown[],
  options: { lockOnWarming?: boolean; fail?: (alert: LockAlert) => Error | undefined } = {},
) {
  const asked: LockAlert[] = [];
  const lines: Record<string, unknown>[] = [];
  const accounts = {
    async lock(wanted: LockAlert): Promise<LockOutcome> {
      const error = options.fail?.(wanted);
      if (error) throw error;
      asked.push(wanted);
      return { effect: 'duplicate', account: undefined };
    },
  };
  const handler = lambdaHandler({
    service: 'account-guard',
    logLevel: 'info',
    run: (event, invocation) =>
      guardAccounts(
        event,
        { accounts, lockMs: 1, lockOnWarming: options.lockOnWarming ?? false, now: () => Date.parse(publishedAt) + 250 },
        invocation,
      ),
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  const error = await handler({ Records: records }, { awsRequestId: 'r1' }).then(
    () => undefined,
    (thrown: PlatformError) => thrown,
  );
  const counted = Object.assign({}, ...lines.filter((line) => '_aws' in line)) as Record<string, unknown>;
  return { error, asked, lines, counted };
}

describe('account-guard', () => {
  it('locks the account that an alert names, and counts and logs it', async () => {
    const { error, asked, lines, counted } = await invoke([record(alert)]);
    assert.equal(error, undefined);
    const reason = 'rule churn, version 3 (value 4)';
    assert.deepEqual(asked, [{ alertId: 'a1', ruleId: 'churn', ruleVersion: 3, userId: 'user-1', reason }]);
    const [logged] = lines;
    assert.deepEqual(
      [logged?.['event'], logged?.['alertId'], logged?.['userId'], logged?.['requestId'], logged?.['afterPublishMs']],
      ['account.duplicate', 'a1', 'user-1', 'r1', 250],
    );
    assert.deepEqual([counted['alerts_handled'], counted['effect']], [1, 'duplicate']);
  });

  it('ignores an alert that asks for no lock, is not live, or is warming, and says which', async () => {
    const ignored = [
      [record(alert, { action: 'notify' }), 'action'],
      [record({ ...alert, mode: 'shadow' }), 'mode'],
      [record({ ...alert, warming: true }), 'warming'],
    ] as const;
    for (const [it, reason] of ignored) {
      const { error, asked, counted, lines } = await invoke([it]);
      assert.deepEqual([error, asked, counted['alerts_ignored'], counted['reason']], [undefined, [], 1, reason]);
      const asksForNone = /does not ask for a lock/.test(String(lines[0]?.['msg']));
      assert.equal(asksForNone, reason === 'action', String(lines[0]?.['msg']));
    }
  });

  it('locks on a warming alert when it is told to', async () => {
    const { asked } = await invoke([record({ ...alert, warming: true })], { lockOnWarming: true });
    assert.equal(asked.length, 1);
  });

  it('fails on what is no alert, so that it goes to the dead-letter queue, and logs it whole', async () => {
    const { key: _, ...withoutUser } = alert;
    const broken: [unknown, RegExp][] = [
      [record('{"alertId"'), /no JSON/],
      [record('null'), /expected object/],
      [record(withoutUser), /key/],
      [record({ ...alert, key: '' }), /key/],
      [record(alert, {}), /no attribute action/],
      [{ kinesis: {} }, /Sns/],
    ];
    for (const [it, expected] of broken) {
      const { error, asked, lines, counted } = await invoke([it]);
      assert.deepEqual([error?.code, error?.retriable, asked, counted['messages_invalid']], ['PROTOCOL', false, [], 1]);
      assert.match(error?.message ?? '', expected);
      const logged = lines.find(({ event }) => event === 'message.invalid');
      assert.deepEqual([logged?.['level'], logged?.['message']], ['error', it]);
    }
  });

  it('fails on an event that has no messages', async () => {
    assert.equal((await invoke([])).error?.code, 'PROTOCOL');
  });

  it('acts on each of several messages, whatever becomes of the others, and fails in the end', async () => {
    const away = new PlatformError('TABLE_UNAVAILABLE', 'cannot lock', { retriable: true });
    const records = ['a', 'b', 'c'].map((alertId) => record({ ...alert, alertId }));
    const { error, asked, counted } = await invoke([record('nonsense'), ...records], {
      fail: ({ alertId }) => (alertId === 'b' ? away : undefined),
    });
    assert.deepEqual(
      asked.map(({ alertId }) => alertId),
      ['a', 'c'],
    );
    assert.match(error?.message ?? '', /^2 of 4 messages failed/);
    assert.deepEqual([error?.retriable, counted['locks_failed'], counted['messages_invalid']], [true, 1, 1]);
  });

  it('never ends in anything but an error of its own, whatever the event is', async () => {
    const mutated = fc.record({
      Sns: fc.record({ Message: fc.oneof(fc.json(), fc.string()), MessageId: fc.string(), Timestamp: fc.string() }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(fc.anything(), mutated), { maxLength: 3 }), async (records) => {
        const { error } = await invoke(records);
        assert.equal(error?.code, 'PROTOCOL');
      }),
      { numRuns: 200 },
    );
  });
});

describe("account-guard's definition", () => {
  it('subscribes to the topic that the detector publishes to', () => {
    assert.deepEqual(
      accountGuard.subscribes?.map(({ topic }) => topic),
      fraudDetector.topics,
    );
  });

  it('takes the duration of a lock in ISO 8601 and refuses one that is none, too short or endless', () => {
    const env = { AWS_REGION: 'eu-central-1' };
    assert.equal(loadConfig(accountGuard.config, env).LOCK_DURATION, 86_400_000);
    assert.equal(loadConfig(accountGuard.config, { ...env, LOCK_DURATION: 'PT1M' }).LOCK_DURATION, 60_000);
    for (const LOCK_DURATION of ['1d', 'PT59S', 'P367D', 'P0D']) {
      assert.throws(() => loadConfig(accountGuard.config, { ...env, LOCK_DURATION }), { code: 'CONFIG_INVALID', message: /PT1M to P366D/ });
    }
  });
});
