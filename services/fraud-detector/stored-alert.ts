import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PlatformError } from '../lib/process/errors.ts';
import type { Alert } from '../lib/rules/alert.ts';
import type { RuleAction } from '../lib/rules/rules-file.ts';

/** An alert and what the detector adds to it. */
export interface StoredAlert {
  readonly alert: Alert;
  readonly action: RuleAction;
  /** Wall time at which it was first to be stored, epoch ms. */
  readonly raisedAt: number;
}

/** The one partition of the sparse index: present until the alert was published. */
export const pendingPartition = 'pending';

/** One item of the alerts table: the alert as JSON, and beside it what people look it up by. */
export function itemOf({ alert, action, raisedAt }: StoredAlert): Record<string, AttributeValue> {
  return {
    alertId: { S: alert.alertId },
    alert: { S: JSON.stringify(alert) },
    action: { S: action },
    raisedAt: { N: String(raisedAt) },
    ruleId: { S: alert.ruleId },
    ruleVersion: { N: String(alert.ruleVersion) },
    mode: { S: alert.mode },
    severity: { S: alert.severity },
    key: { S: alert.key },
    at: { N: String(alert.at) },
    ...(alert.mode === 'live' ? { pending: { S: pendingPartition } } : {}),
  };
}

/** Throws PROTOCOL for an item that no detector wrote. */
export function storedAlertOf(item: Readonly<Record<string, AttributeValue>>): StoredAlert {
  const [alert, action, raisedAt] = [item['alert']?.S, item['action']?.S, item['raisedAt']?.N];
  if (alert === undefined || (action !== 'notify' && action !== 'lock') || raisedAt === undefined) {
    throw new PlatformError('PROTOCOL', `not a stored alert: ${item['alertId']?.S ?? 'an item without alertId'}`);
  }
  return { alert: JSON.parse(alert) as Alert, action, raisedAt: Number(raisedAt) };
}
