import { randomUUID } from 'node:crypto';

/** Answers of the AWS query protocol as SNS gives them (SNS API reference, version 2010-03-31). */
const namespace = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"';
const metadata = (): string => `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`;

export const publishXml = (messageId: string): string =>
  `<PublishResponse ${namespace}><PublishResult><MessageId>${messageId}</MessageId></PublishResult>${metadata()}</PublishResponse>`;

export const createTopicXml = (arn: string): string =>
  `<CreateTopicResponse ${namespace}><CreateTopicResult><TopicArn>${escape(arn)}</TopicArn></CreateTopicResult>${metadata()}</CreateTopicResponse>`;

export const errorXml = (code: string, message: string): string =>
  `<ErrorResponse ${namespace}><Error><Type>Sender</Type><Code>${code}</Code><Message>${escape(message)}</Message></Error>` +
  `<RequestId>${randomUUID()}</RequestId></ErrorResponse>`;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
const escape = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character] ?? character);

/** `MessageAttributes.entry.N.Name` and `.Value.StringValue`; binary values stay in their base64 form. */
export function readAttributes(form: URLSearchParams): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (let n = 1; ; n++) {
    const entry = `MessageAttributes.entry.${n}`;
    const name = form.get(`${entry}.Name`);
    if (name === null) return attributes;
    attributes[name] = form.get(`${entry}.Value.StringValue`) ?? form.get(`${entry}.Value.BinaryValue`) ?? '';
  }
}
