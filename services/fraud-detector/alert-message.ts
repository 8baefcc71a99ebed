import type { PublishCommandInput } from '@aws-sdk/client-sns';
import type { StoredAlert } from '../lib/alerts/stored-alert.ts';
import { ensureError } from '../lib/process/errors.ts';

/** What subscribers get: the alert as JSON, `warming: true` in it only when it is; as attributes what they filter by. */
export function alertMessage({ alert, action, warming }: StoredAlert, topicArn: string): PublishCommandInput {
  return {
    TopicArn: topicArn,
    Message: JSON.stringify(warming ? { ...alert, warming } : alert),
    MessageAttributes: {
      severity: attribute(alert.severity),
      ruleId: attribute(alert.ruleId),
      mode: attribute(alert.mode),
      action: attribute(action),
      ...(warming ? { warming: attribute('true') } : {}),
    },
  };
}

/** What SNS answers to a message that it will never take as it is (API reference, Publish, Errors). */
const refusals = new Set(['InvalidParameterException', 'InvalidParameterValueException', 'ValidationException']);
/** What SNS calls by the same names although it is wrong for all messages: another region's or no topic, a FIFO topic. */
const ofTheTopic = /TopicArn|MessageGroupId|MessageDeduplicationId/;
const maxReason = 300;

/**
 * Why SNS refuses this message for good; undefined when the failure may pass, or when it stands in the way of every message alike: a right
 * or a topic that is missing, a key. What is not known is taken for such.
 */
export function refusalOf(error: unknown): { readonly code: string; readonly reason: string } | undefined {
  const { name: code, message } = ensureError(error);
  if (!refusals.has(code) || ofTheTopic.test(message)) return undefined;
  return { code, reason: `${code}: ${message}`.slice(0, maxReason) };
}

const attribute = (value: string): { DataType: string; StringValue: string } => ({ DataType: 'String', StringValue: value });
