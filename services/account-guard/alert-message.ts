import { z } from 'zod';
import type { Alert } from '../lib/rules/alert.ts';
import { ruleModes } from '../lib/rules/rules-file.ts';

/** What account-guard reads of an SNS record as Lambda hands it over (Lambda developer guide, "with-sns"). */
export const snsRecordSchema = z.object({
  Sns: z.object({
    MessageId: z.string(),
    Message: z.string(),
    Timestamp: z.iso.datetime(),
    MessageAttributes: z.record(z.string(), z.object({ Type: z.string(), Value: z.string() })).default({}),
  }),
});

export type SnsRecord = z.output<typeof snsRecordSchema>;

/** What account-guard reads of an alert; what else is in the message is none of its business. */
const alertSchema = z.object({
  alertId: z.string().min(1).max(128),
  ruleId: z.string().min(1).max(128),
  ruleVersion: z.int(),
  mode: z.enum(ruleModes),
  key: z.string().min(1).max(128),
  value: z.number(),
  warming: z.boolean().optional(),
}) satisfies z.ZodType<Pick<Alert, 'alertId' | 'ruleId' | 'ruleVersion' | 'mode' | 'key' | 'value'>>;

/** An alert that asks for a lock. */
export interface LockAlert {
  readonly alertId: string;
  readonly ruleId: string;
  readonly ruleVersion: number;
  readonly userId: string;
  /** For people. */
  readonly reason: string;
}

export type MessageOutcome =
  | { readonly kind: 'lock'; readonly alert: LockAlert }
  | { readonly kind: 'ignored'; readonly reason: 'action' | 'mode' | 'warming'; readonly alertId: string }
  | { readonly kind: 'invalid'; readonly error: string };

/**
 * The action is an attribute of the message, since that is what a subscription can filter by; a message without one is none of the
 * detector's. Never throws.
 */
export function readAlertMessage({ Sns }: SnsRecord, options: { readonly lockOnWarming: boolean }): MessageOutcome {
  const json = parseJson(Sns.Message);
  if (json === undefined) return { kind: 'invalid', error: 'the message is no JSON' };
  const parsed = alertSchema.safeParse(json);
  if (!parsed.success) return { kind: 'invalid', error: z.prettifyError(parsed.error) };
  const { alertId, ruleId, ruleVersion, mode, key, value, warming } = parsed.data;
  const action = Sns.MessageAttributes['action']?.Value;
  if (action === undefined) return { kind: 'invalid', error: 'the message has no attribute action' };
  if (action !== 'lock') return { kind: 'ignored', reason: 'action', alertId };
  if (mode !== 'live') return { kind: 'ignored', reason: 'mode', alertId };
  if (warming === true && !options.lockOnWarming) return { kind: 'ignored', reason: 'warming', alertId };
  const reason = `rule ${ruleId}, version ${ruleVersion} (value ${value})`;
  return { kind: 'lock', alert: { alertId, ruleId, ruleVersion, userId: key, reason } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
