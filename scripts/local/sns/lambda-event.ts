import type { CaughtMessage } from './sns.ts';

/** An attribute accepts a message when it has one of the values, exactly; all attributes of a policy must (SNS developer guide, "Amazon SNS subscription filter policies", scope MessageAttributes; of its operators, exact match of strings alone). */
export type FilterPolicy = Readonly<Record<string, readonly string[]>>;

export const accepts = (policy: FilterPolicy, attributes: Readonly<Record<string, string>>): boolean =>
  Object.entries(policy).every(([name, values]) => {
    const value = attributes[name];
    return value !== undefined && values.includes(value);
  });

/**
 * The event a function gets for a message: always one record (Lambda developer guide, "Invoking Lambda functions with Amazon SNS
 * notifications"). Attributes are taken for strings; signature and URLs stand for none.
 */
export const lambdaEvent = (message: CaughtMessage, subscriptionArn: string): object => ({
  Records: [
    {
      EventVersion: '1.0',
      EventSubscriptionArn: subscriptionArn,
      EventSource: 'aws:sns',
      Sns: {
        Type: 'Notification',
        MessageId: message.messageId,
        TopicArn: message.topicArn,
        Subject: null,
        Message: message.message,
        Timestamp: new Date(message.receivedAt).toISOString(),
        SignatureVersion: '1',
        Signature: 'none',
        SigningCertUrl: 'none',
        UnsubscribeUrl: 'none',
        MessageAttributes: Object.fromEntries(Object.entries(message.attributes).map(([name, Value]) => [name, { Type: 'String', Value }])),
      },
    },
  ],
});
