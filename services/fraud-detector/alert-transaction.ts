import { type CancellationReason, TransactionCanceledException, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { itemOf, type StoredAlert } from '../lib/alerts/stored-alert.ts';
import type { Fence } from '../lib/state/fence.ts';

/** Of one transaction: at most 10 KB each (stored-alert.ts), far below DynamoDB's 100 items and 4 MB. */
export const maxAlertsPerTransaction = 25;

/** In order, none too long for one transaction, and no alertId twice in one: DynamoDB refuses two writes of one item. */
export function* transactionBatches(alerts: readonly StoredAlert[]): Generator<readonly StoredAlert[]> {
  let batch = new Map<string, StoredAlert>();
  for (const stored of alerts) {
    if (batch.size === maxAlertsPerTransaction || batch.has(stored.alert.alertId)) {
      yield [...batch.values()];
      batch = new Map();
    }
    batch.set(stored.alert.alertId, stored);
  }
  if (batch.size > 0) yield [...batch.values()];
}

/** All of the alerts or none, and only while the fence holds. */
export function putTransaction(fence: Fence, table: string, alerts: readonly StoredAlert[]): TransactWriteItemsCommand {
  const puts = alerts.map((stored) => ({
    Put: {
      TableName: table,
      Item: itemOf(stored),
      ConditionExpression: 'attribute_not_exists(alertId)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    },
  }));
  return new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: fence.check }, ...puts] });
}

export interface Cancelled {
  /** The epoch is not ours any more: nothing else counts. */
  readonly fenced: boolean;
  /** alertId → whether it is still to be published, of those that were there already. */
  readonly present: ReadonlyMap<string, boolean>;
  /** Another writer or a throttle was in the way: wait before the next attempt. */
  readonly busy: boolean;
}

const failedCondition = 'ConditionalCheckFailed';
const busyCodes = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

/** What the reasons of a cancelled `putTransaction` say; undefined when the error is another, or no new attempt can cure it. */
export function cancelledBy(error: unknown, alerts: readonly StoredAlert[]): Cancelled | undefined {
  if (!(error instanceof TransactionCanceledException)) return undefined;
  const [check, ...puts] = error.CancellationReasons ?? [];
  const failed = [check, ...puts].filter((reason) => reason !== undefined && codeOf(reason) !== undefined) as CancellationReason[];
  const curable = failed.every((reason) => codeOf(reason) === failedCondition || busyCodes.has(codeOf(reason) ?? ''));
  if (failed.length === 0 || !curable) return undefined;
  const present = new Map<string, boolean>();
  alerts.forEach(({ alert }, i) => {
    const reason = puts[i];
    if (reason?.Code === failedCondition) present.set(alert.alertId, reason.Item?.['pending'] !== undefined);
  });
  return { fenced: check?.Code === failedCondition, present, busy: failed.some((reason) => busyCodes.has(codeOf(reason) ?? '')) };
}

/** DynamoDB writes "None" for an item that was not in the way. */
const codeOf = ({ Code }: CancellationReason): string | undefined => (Code === 'None' ? undefined : Code);
