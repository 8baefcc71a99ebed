import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import { PlatformError } from '../process/errors.ts';
import type { Alert } from '../rules/alert.ts';
import { type RuleAction, ruleModes, severities } from '../rules/rules-file.ts';

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
  /** When it was taken off the outbox without being published; absent again once it is released. */
  readonly withheldAt?: number;
  /** Why it cannot be published as it is. Absent when it was the kill switch that withheld it. */
  readonly refused?: string;
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

const alertSchema: z.ZodType<Alert> = z.looseObject({
  alertId: z.string(),
  ruleId: z.string(),
  ruleVersion: z.number(),
  mode: z.enum(ruleModes),
  severity: z.enum(severities),
  key: z.string(),
  at: z.number(),
  triggeredBy: z.string(),
  value: z.number(),
  evidenceCount: z.number(),
  evidence: z.array(z.object({ eventId: z.string(), occurredAt: z.number() })),
});

/** Reads items of this build and of those before it, which had no arrivedAt. Throws PROTOCOL for an item that no detector wrote. */
export function storedAlertOf(item: AlertItem): AlertRecord {
  const action = item['action']?.S;
  const raisedAt = time(item, 'raisedAt');
  const alert = alertIn(item);
  if (alert === undefined || (action !== 'notify' && action !== 'lock') || raisedAt === undefined) {
    throw new PlatformError('PROTOCOL', `not a stored alert: ${item['alertId']?.S ?? 'an item without alertId'}`);
  }
  const [publishedAt, withheldAt, refused] = [time(item, 'publishedAt'), time(item, 'withheldAt'), item['refused']?.S];
  return {
    alert,
    action,
    raisedAt,
    arrivedAt: time(item, 'arrivedAt') ?? raisedAt, // an older item: stored a moment after its arrival
    ...(item['warming']?.BOOL === true ? { warming: true } : {}),
    pending: item['pending'] !== undefined,
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(withheldAt === undefined ? {} : { withheldAt }),
    ...(refused === undefined ? {} : { refused }),
  };
}

/** Undefined when it is not one, or not that of the item's key: its marks would go to another item. */
function alertIn(item: AlertItem): Alert | undefined {
  try {
    const { data } = alertSchema.safeParse(JSON.parse(item['alert']?.S ?? ''));
    return data?.alertId === item['alertId']?.S ? data : undefined;
  } catch {
    return undefined;
  }
}

function time(item: AlertItem, name: string): number | undefined {
  const text = item[name]?.N;
  return text === undefined ? undefined : Number(text);
}
