import type { PublishCommandInput } from '@aws-sdk/client-sns';
import type { StoredAlert } from './stored-alert.ts';

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

const attribute = (value: string): { DataType: string; StringValue: string } => ({ DataType: 'String', StringValue: value });
