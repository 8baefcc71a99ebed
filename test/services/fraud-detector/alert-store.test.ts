import assert from 'node:assert/strict';
import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  TransactionCanceledException,
  type TransactWriteItemsCommand,
  type UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { AlertStore } from '../../../services/fraud-detector/alert-store.ts';
import { transactionBatches } from '../../../services/fraud-detector/alert-transaction.ts';
import { itemOf, type StoredAlert, storedAlertOf } from '../../../services/lib/alerts/stored-alert.ts';
import { createLogger } from '../../../services/lib/process/log.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import type { RuleMode } from '../../../services/lib/rules/rules-file.ts';
import type { Fence } from '../../../services/lib/state/fence.ts';

const fence: Fence = { shardId: 'shard', epoch: 7, check: { TableName: 'state', Key: {}, ConditionExpression: 'epoch = :mine' } };

function storedAlert(alertId: string, mode: RuleMode = 'live'): StoredAlert {
  const evidence = [{ eventId: 'e', occurredAt: 1 }];
  const about = { ruleId: 'churn', ruleVersion: 1, mode, severity: 'high', key: 'user-1' } as const;
  const alert = { alertId, ...about, at: 1, triggeredBy: 'e', value: 1, evidenceCount: 1, evidence };
  return { alert, action: 'notify', raisedAt: 2, arrivedAt: 1 };
}
const alertsOf = (count: number): StoredAlert[] => Array.from({ length: count }, (_, i) => storedAlert(String(i)));

type Answer = 'ok' | Error;
const fault = (name: string, status?: number): Error =>
  Object.assign(new Error(name), { name, ...(status === undefined ? {} : { $metadata: { httpStatusCode: status } }) });
const there = (pending: boolean) => ({ Code: 'ConditionalCheckFailed', Item: pending ? { pending: { S: 'pending' } } : {} });
const none = { Code: 'None' };
const conflict = { Code: 'TransactionConflict' };
const cancelled = (...reasons: object[]): Error =>
  new TransactionCanceledException({ $metadata: { httpStatusCode: 400 }, message: '', CancellationReasons: reasons });

/** A table that gives these answers, then takes everything. */
function table(...answers: Answer[]) {
  const pauses: number[] = [];
  const puts: string[][] = [];
  const checks: unknown[] = [];
  const metrics = new Metrics();
  const send = async ({ input: { TransactItems = [] } }: TransactWriteItemsCommand) => {
    const [check, ...items] = TransactItems;
    checks.push(check?.ConditionCheck);
    puts.push(items.map(({ Put }) => Put?.Item?.['alertId']?.S ?? ''));
    const answer = answers.shift() ?? 'ok';
    if (answer !== 'ok') throw answer;
    return {};
  };
  const pause = async (ms: number) => pauses.push(ms);
  const store = new AlertStore({ send } as unknown as DynamoDBClient, 'fraud-alerts', { metrics, pause, random: () => 1 });
  const counted = () =>
    Object.fromEntries(metrics.drain().counters.map(({ name, labels, value }) => [`${name}${labels['what'] ?? ''}`, value]));
  return { store, pauses, puts, checks, counted };
}

const created = { created: true, pending: true };

describe('the alert store', () => {
  it('puts alerts under the fence, 25 a transaction, in order', async () => {
    const { store, puts, checks } = table();
    const outcomes = await store.putAll(fence, alertsOf(60));
    assert.deepEqual(
      puts.map((ids) => ids.length),
      [25, 25, 10],
    );
    assert.deepEqual(
      puts.flat(),
      alertsOf(60).map(({ alert }) => alert.alertId),
    );
    assert.deepEqual(checks, [fence.check, fence.check, fence.check]);
    assert.deepEqual(
      outcomes,
      alertsOf(60).map(() => created),
    );
  });

  it('writes nothing when there is nothing to write', async () => {
    const { store, puts } = table();
    assert.deepEqual([await store.putAll(fence, []), puts], [[], []]);
  });

  it('never has one alert twice in a transaction', () => {
    const batches = [...transactionBatches([storedAlert('a'), storedAlert('b'), storedAlert('a')])];
    assert.deepEqual(
      batches.map((batch) => batch.map(({ alert }) => alert.alertId)),
      [['a', 'b'], ['a']],
    );
  });

  it('is fenced when the epoch has passed, whatever else was in the way, and writes no more', async () => {
    const { store, puts, counted } = table('ok', cancelled(there(false), there(true), conflict));
    assert.equal(await store.putAll(fence, alertsOf(60)), 'fenced');
    assert.equal(puts.length, 2);
    assert.deepEqual(counted(), { fenced_writes_refusedalert: 1 });
  });

  it('goes on without those that are there already, at once, and tells which are still to be published', async () => {
    const { store, puts, pauses } = table(cancelled(none, there(true), none, there(false)));
    const outcomes = await store.putAll(fence, alertsOf(3));
    assert.deepEqual(puts, [['0', '1', '2'], ['1']]);
    assert.deepEqual(outcomes, [{ created: false, pending: true }, created, { created: false, pending: false }]);
    assert.deepEqual(pauses, []);
  });

  it('makes no further transaction when all are there', async () => {
    const { store, puts } = table(cancelled(none, there(true)));
    assert.deepEqual(await store.putAll(fence, alertsOf(1)), [{ created: false, pending: true }]);
    assert.equal(puts.length, 1);
  });

  it('waits out conflicts and throttles for as long as they last, at most 5 s at a time', async () => {
    const inTheWay = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'].map((Code) => cancelled(none, { Code }));
    const { store, pauses, counted } = table(...inTheWay, ...Array<Answer>(20).fill(cancelled(conflict, none)));
    assert.deepEqual(await store.putAll(fence, alertsOf(1)), [created]);
    assert.deepEqual(pauses.slice(0, 8), [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert.deepEqual([pauses.length, counted()], [23, { alert_store_retries: 23 }]);
  });

  it('keeps what it learnt from a transaction that also met a conflict', async () => {
    const { store, puts, pauses } = table(cancelled(none, there(true), conflict));
    assert.deepEqual(await store.putAll(fence, alertsOf(2)), [{ created: false, pending: true }, created]);
    assert.deepEqual([puts, pauses], [[['0', '1'], ['1']], [100]]);
  });

  for (const [name, status] of [
    ['ProvisionedThroughputExceededException', 400],
    ['TransactionInProgressException', 400],
    ['InternalServerError', 500],
    ['TimeoutError', undefined],
  ] as const) {
    it(`tries again after ${name} until it gets an answer`, async () => {
      const { store, pauses, counted } = table(...Array<Answer>(12).fill(fault(name, status)));
      assert.deepEqual(await store.putAll(fence, alertsOf(1)), [created]);
      assert.deepEqual([pauses.length, counted()], [12, { alert_store_retries: 12 }]);
    });
  }

  it('finds what a transaction without an answer had done, and loses none of it', async () => {
    const { store } = table(fault('TimeoutError'), cancelled(none, there(true), there(true)));
    assert.deepEqual(
      await store.putAll(fence, alertsOf(2)),
      alertsOf(2).map(() => ({ created: false, pending: true })),
    );
  });

  it('does not try again what no retry can cure', async () => {
    for (const error of [fault('ValidationException', 400), cancelled(none, { Code: 'ValidationError' })]) {
      const { store, puts } = table(error);
      await assert.rejects(store.putAll(fence, alertsOf(1)), { code: 'TABLE_UNAVAILABLE', retriable: false });
      assert.equal(puts.length, 1);
    }
  });

  it('gives up a mark when its time is over', async () => {
    const deadline = new AbortController();
    const send = async () => {
      deadline.abort();
      throw fault('InternalServerError', 500);
    };
    const store = new AlertStore({ send } as unknown as DynamoDBClient, 'fraud-alerts');
    await assert.rejects(store.markPublished('a', 1, deadline.signal), { code: 'TABLE_UNAVAILABLE', retriable: true });
  });
});

describe('the front of the outbox', () => {
  const good = itemOf(storedAlert('good'));
  const bad = (alertId: string, alert: string): Record<string, AttributeValue> => ({
    ...good,
    alertId: { S: alertId },
    alert: { S: alert },
  });

  it('is cleared of items that are no alerts, each once, counted and told', async () => {
    const parked: unknown[] = [];
    const logged: string[] = [];
    const metrics = new Metrics();
    const items = [bad('cut', '{"alertId":"cut"'), bad('empty', '{}'), good, bad('other', good['alert']?.S ?? ''), bad('null', 'null')];
    const send = async (command: QueryCommand | UpdateItemCommand) => {
      if (command instanceof QueryCommand) return { Items: items };
      const { Key, ConditionExpression, UpdateExpression, ExpressionAttributeValues: values } = command.input;
      parked.push([Key?.['alertId']?.S, values?.[':reason']?.S, values?.[':at']?.N]);
      assert.equal(ConditionExpression, 'attribute_exists(pending)');
      assert.match(UpdateExpression ?? '', /REMOVE pending/);
      return {};
    };
    const log = createLogger('fraud-detector', 'info', (line) => logged.push(line));
    const store = new AlertStore({ send } as unknown as DynamoDBClient, 'fraud-alerts', { metrics, log, now: () => 99 });
    const found = await store.pendingBefore(10, 25);
    assert.deepEqual(
      found.map(({ alert }) => alert.alertId),
      ['good'],
    );
    const ids = ['cut', 'empty', 'other', 'null'];
    assert.deepEqual(
      parked,
      ids.map((id) => [id, `not a stored alert: ${id}`, '99']),
    );
    assert.deepEqual(metrics.drain().counters, [{ name: 'alerts_malformed', labels: {}, value: 4 }]);
    const told = logged.map((line) => JSON.parse(line) as { readonly event: string; readonly alertId: string });
    assert.deepEqual(
      told.map(({ event, alertId }) => [event, alertId]),
      ids.map((id) => ['alert.malformed', id]),
    );
  });
});

describe('a stored alert', () => {
  it('comes back as it was put, warming or not', () => {
    for (const stored of [storedAlert('a'), { ...storedAlert('a'), warming: true as const }]) {
      assert.deepEqual(storedAlertOf(itemOf(stored)), { ...stored, pending: true });
    }
  });

  it('is on the outbox only when its rule is live, and lies under its day in UTC', () => {
    assert.equal(itemOf(storedAlert('a', 'shadow'))['pending'], undefined);
    assert.deepEqual(itemOf({ ...storedAlert('a'), raisedAt: Date.UTC(2026, 10, 23, 23, 59) })['day'], { S: '2026-11-23' });
  });

  it('is read from items of the builds before arrivedAt, warming, withheldAt and refused', () => {
    const [alertId, day] = ['5f0c3a1be2d94a7788aa00112233aabb', 1_795_392_000_000];
    const body = `{"alertId":"${alertId}","ruleId":"reserve-cancel-churn","ruleVersion":1,"mode":"live","severity":"high","key":"user-7","at":${day},"triggeredBy":"e3","value":3,"evidenceCount":1,"evidence":[{"eventId":"e3","occurredAt":${day}}]}`;
    const old = {
      alertId: { S: alertId },
      alert: { S: body },
      action: { S: 'lock' },
      raisedAt: { N: String(day + 500) },
      ruleId: { S: 'reserve-cancel-churn' },
      ruleVersion: { N: '1' },
      mode: { S: 'live' },
      severity: { S: 'high' },
      key: { S: 'user-7' },
      at: { N: String(day) },
    };
    const expected = { alert: JSON.parse(body), action: 'lock', raisedAt: day + 500, arrivedAt: day + 500 };
    assert.deepEqual(storedAlertOf({ ...old, pending: { S: 'pending' } }), { ...expected, pending: true });
    assert.deepEqual(storedAlertOf({ ...old, withheldAt: { N: '5' }, refused: { S: 'why' } }), {
      ...expected,
      pending: false,
      withheldAt: 5,
      refused: 'why',
    });
    const publishedAt = { N: String(day + 900) };
    assert.deepEqual(storedAlertOf({ ...old, publishedAt }), { ...expected, pending: false, publishedAt: day + 900 });
  });

  it('is not what no detector wrote', () => {
    assert.throws(() => storedAlertOf({ alertId: { S: 'x' } }), { code: 'PROTOCOL' });
  });

  it('takes at most 10 KB, the longest evidence and user included, so that 25 stay far below a transaction of 4 MB', () => {
    const { alert, ...about } = storedAlert('f'.repeat(32));
    const evidence = Array.from({ length: 100 }, () => ({ eventId: 'e'.repeat(32), occurredAt: 253_402_300_799_999 }));
    const largest = { ...alert, ruleId: 'r'.repeat(64), key: '字'.repeat(128), triggeredBy: 'e'.repeat(32), evidence, evidenceCount: 1e9 };
    assert.ok(Buffer.byteLength(JSON.stringify(itemOf({ ...about, alert: largest, warming: true }))) <= 10 * 1_024);
  });
});
