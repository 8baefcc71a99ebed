import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import { accepts } from './lambda-event.ts';
import { createTopicXml, errorXml, publishXml, readAttributes } from './query-protocol.ts';
import { type DeadLetter, Subscription, type SubscriptionOptions } from './subscription.ts';

/** A message as it was published. */
export interface CaughtMessage {
  readonly messageId: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  readonly topicArn: string;
  readonly message: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface SnsCatcher {
  readonly endpoint: string;
  /** In order of arrival. */
  caught(): readonly CaughtMessage[];
  /** From now on, messages of the topic go to a function too. The topic need not be there yet. */
  subscribe(options: SubscriptionOptions): Subscription;
  /** What subscribed functions failed on for good. */
  deadLetters(): readonly DeadLetter[];
  /** Gives up what is under way to a function. */
  close(): Promise<void>;
}

export const localAccountId = '000000000000';
export const topicArn = (name: string): string => `arn:aws:sns:us-east-1:${localAccountId}:${name}`;

/** SNS API reference, Publish: "Messages must be UTF-8 encoded strings and at most 256 KB". */
const maxMessageBytes = 262_144;
/** Form encoding makes up to three bytes of one. */
const maxBodyBytes = 4 * maxMessageBytes;
const maxMessages = 200_000;

/**
 * A fake that takes CreateTopic and Publish: what it caught is kept in memory, appended to a file (one JSON object a line), told by
 * GET /_caught, and delivered to functions that subscribed. What these fail on is appended to the file's name with `-dlq` and told by
 * GET /_dlq.
 */
export async function startSnsCatcher(options: { file: string; port?: number; now?: () => number }): Promise<SnsCatcher> {
  const now = options.now ?? Date.now;
  const topics = new Set<string>();
  const messages: CaughtMessage[] = [];
  const subscriptions: Subscription[] = [];
  mkdirSync(dirname(options.file), { recursive: true });
  const deadLetterFile = options.file.replace(/(\.ndjson)?$/, '-dlq.ndjson');
  const deadLetters = (): DeadLetter[] => subscriptions.flatMap((subscription) => subscription.deadLetters);

  const publish = (form: URLSearchParams): Answer => {
    const arn = form.get('TopicArn') ?? '';
    const message = form.get('Message') ?? '';
    if (!topics.has(arn)) return { status: 404, xml: errorXml('NotFound', 'Topic does not exist') };
    if (message === '') return { status: 400, xml: errorXml('InvalidParameter', 'Invalid parameter: Empty message') };
    if (Buffer.byteLength(message) > maxMessageBytes) {
      return { status: 400, xml: errorXml('InvalidParameter', 'Invalid parameter: Message too long') };
    }
    if (messages.length === maxMessages) return { status: 500, xml: errorXml('InternalError', 'the local catcher is full') };
    const caught = { messageId: randomUUID(), receivedAt: now(), topicArn: arn, message, attributes: readAttributes(form) };
    appendFileSync(options.file, `${JSON.stringify(caught)}\n`);
    messages.push(caught);
    for (const subscription of subscriptions) {
      const { topicArn: topic, filterPolicy } = subscription.options;
      if (topic === arn && accepts(filterPolicy ?? {}, caught.attributes)) subscription.offer(caught);
    }
    return { status: 200, xml: publishXml(caught.messageId) };
  };

  const createTopic = (form: URLSearchParams): Answer => {
    const arn = topicArn(form.get('Name') ?? '');
    topics.add(arn);
    return { status: 200, xml: createTopicXml(arn) };
  };

  const server = createServer((request, response) => {
    const shown = request.method === 'GET' && { '/_caught': () => messages, '/_dlq': deadLetters }[request.url ?? ''];
    if (shown) {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(shown()));
      return;
    }
    readForm(request).then(
      (form) => {
        const action = form.get('Action') ?? '';
        if (action === 'Publish') send(response, publish(form));
        else if (action === 'CreateTopic') send(response, createTopic(form));
        else send(response, { status: 400, xml: errorXml('InvalidAction', `the local catcher does not know ${action}`) });
      },
      () => send(response, { status: 413, xml: errorXml('InvalidParameter', 'Invalid parameter: request too long') }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    caught: () => messages,
    subscribe(wanted) {
      const subscription = new Subscription(wanted, deadLetterFile);
      subscriptions.push(subscription);
      return subscription;
    },
    deadLetters,
    async close() {
      await Promise.all([
        ...subscriptions.map((subscription) => subscription.close()),
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
      ]);
    },
  };
}

interface Answer {
  readonly status: number;
  readonly xml: string;
}

function send(response: ServerResponse, { status, xml }: Answer): void {
  response.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new Error('request too long');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}
