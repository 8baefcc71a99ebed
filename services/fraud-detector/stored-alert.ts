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
  /** When Kinesis took the record that raised it, epoch ms. */
  readonly arrivedAt: number;
  /** The rule did not yet know its whole span on the shard: it may have missed evidence. Absent otherwise. */
  readonly warming?: true;
}

/** A stored alert as the table has it now. Times are epoch ms. */
export interface AlertRecord extends StoredAlert {
  /** Still to be published. */
  readonly pending: boolean;
  /** When SNS took it; it may have taken it more than once. */
  readonly publishedAt?: number;
  /** When the kill switch took it off the outbox; absent again once it is released. */
  readonly withheldAt?: number;
}

export type AlertItem = Readonly<Record<string, AttributeValue>>;

/** The one partition of the sparse index: present until the alert was published. */
export const pendingPartition = 'pending';

export const isPublishable = ({ alert }: StoredAlert): boolean => alert.mode === 'live';

/** The partition of the index by time, a day in UTC. */
export const dayOf = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10);

/** One item of the alerts table: the alert as JSON, and beside it what people look it up by. At most 10 KB: an alert's evidence is bounded. */
export function itemOf(stored: StoredAlert): Record<string, AttributeValue> {
  const { alert, action, raisedAt, arrivedAt, warming } = stored;
  return {
    alertId: { S: alert.alertId },
    alert: { S: JSON.stringify(alert) },
    action: { S: action },
    raisedAt: { N: String(raisedAt) },
    arrivedAt: { N: String(arrivedAt) },
    day: { S: dayOf(raisedAt) },
    ruleId: { S: alert.ruleId },
    ruleVersion: { N: String(alert.ruleVersion) },
    mode: { S: alert.mode },
    severity: { S: alert.severity },
    key: { S: alert.key },
    at: { N: String(alert.at) },
    ...(warming ? { warming: { BOOL: true } } : {}),
    ...(isPublishable(stored) ? { pending: { S: pendingPartition } } : {}),
  };
}

/** Reads items of this build and of those before it, which had no arrivedAt. Throws PROTOCOL for an item that no detector wrote. */
export function storedAlertOf(item: AlertItem): AlertRecord {
  const [alert, action] = [item['alert']?.S, item['action']?.S];
  const raisedAt = time(item, 'raisedAt');
  if (alert === undefined || (action !== 'notify' && action !== 'lock') || raisedAt === undefined) {
    throw new PlatformError('PROTOCOL', `not a stored alert: ${item['alertId']?.S ?? 'an item without alertId'}`);
  }
  const [publishedAt, withheldAt] = [time(item, 'publishedAt'), time(item, 'withheldAt')];
  return {
    alert: JSON.parse(alert) as Alert,
    action,
    raisedAt,
    arrivedAt: time(item, 'arrivedAt') ?? raisedAt, // an older item: stored a moment after its arrival
    ...(item['warming']?.BOOL === true ? { warming: true } : {}),
    pending: item['pending'] !== undefined,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(withheldAt === undefined ? {} : { withheldAt }),
  };
}

function time(item: AlertItem, name: string): number | undefined {
  const text = item[name]?.N;
  return text === undefined ? undefined : Number(text);
}
