import assert from 'node:assert/strict';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AlertStore } from '../../../services/fraud-detector/alert-store.ts';
import { type StoredAlert, storedAlertOf } from '../../../services/fraud-detector/stored-alert.ts';

const stored: StoredAlert = {
  alert: {
    alertId: 'a'.repeat(32),
    ruleId: 'churn',
    ruleVersion: 1,
    mode: 'live',
    severity: 'high',
    key: 'user-1',
    at: 1,
    triggeredBy: 'e',
    value: 1,
    evidenceCount: 1,
    evidence: [{ eventId: 'e', occurredAt: 1 }],
  },
  action: 'notify',
  raisedAt: 2,
};

/** A table that fails `times` times with the given fault. */
function failing(name: string, status: number | undefined, times: number) {
  const pauses: number[] = [];
  let calls = 0;
  const send = async () => {
    calls++;
    if (calls > times) return {};
    throw Object.assign(new Error(name), { name, ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }) });
  };
  const store = new AlertStore({ send } as unknown as DynamoDBClient, 'fraud-alerts', async (ms) => pauses.push(ms));
  return { store, pauses, calls: () => calls };
}

describe('the alert store', () => {
  for (const [name, status] of [
    ['ProvisionedThroughputExceededException', 400],
    ['TransactionConflictException', 400],
    ['InternalServerError', 500],
    ['TimeoutError', undefined],
  ] as const) {
    it(`retries ${name} with a growing pause, then rejects`, async () => {
      const passing = failing(name, status, 3);
      assert.deepEqual(await passing.store.put(stored), { created: true, pending: true });
      assert.deepEqual(passing.pauses, [100, 200, 400]);
      const lasting = failing(name, status, 100);
      await assert.rejects(lasting.store.put(stored), { code: 'TABLE_UNAVAILABLE', retriable: true });
      assert.equal(lasting.calls(), 8);
    });
  }

  it('does not retry what no retry can cure', async () => {
    const { store, calls } = failing('ValidationException', 400, 100);
    await assert.rejects(store.put(stored), { code: 'TABLE_UNAVAILABLE', retriable: false });
    assert.equal(calls(), 1);
  });

  it('refuses an item that no detector wrote', () => {
    assert.throws(() => storedAlertOf({ alertId: { S: 'x' } }), { code: 'PROTOCOL' });
  });
});
