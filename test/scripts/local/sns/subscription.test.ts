import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { accepts } from '../../../../scripts/local/sns/lambda-event.ts';
import { type CaughtMessage, type SnsCatcher, startSnsCatcher, topicArn } from '../../../../scripts/local/sns/sns.ts';
import { type InvocationResult, inProcess, type SubscriptionOptions } from '../../../../scripts/local/sns/subscription.ts';
import { snsRecordSchema } from '../../../../services/account-guard/alert-message.ts';

const topic = topicArn('fraud-alerts');
type Event = { readonly Records: readonly { readonly Sns: { readonly Message: string } }[] };
const texts = (events: readonly object[]) => events.map((event) => (event as Event).Records.map(({ Sns }) => Sns.Message).join()).sort();

describe('a filter policy', () => {
  it('accepts a message when every attribute it names has one of the values, exactly', () => {
    const policy = { action: ['lock', 'freeze'], mode: ['live'] };
    assert.equal(accepts(policy, { action: 'freeze', mode: 'live', severity: 'high' }), true);
    assert.equal(accepts(policy, { action: 'notify', mode: 'live' }), false);
    assert.equal(accepts(policy, { action: 'Lock', mode: 'live' }), false);
    assert.equal(accepts(policy, { action: 'lock' }), false);
    assert.equal(accepts({}, {}), true);
  });
});

describe('a subscribed function', () => {
  let folder: string;
  let catcher: SnsCatcher;
  let client: SNSClient;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sns-'));
    catcher = await startSnsCatcher({ file: join(folder, 'sns.ndjson'), now: () => 1_790_000_000_000 });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    client = new SNSClient({ endpoint: catcher.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
    await client.send(new CreateTopicCommand({ Name: 'fraud-alerts' }));
    await client.send(new CreateTopicCommand({ Name: 'other' }));
  });
  afterEach(async () => {
    client.destroy();
    await catcher.close();
    rmSync(folder, { recursive: true });
  });

  const publish = (Message: string, action = 'lock', TopicArn = topic) =>
    client.send(new PublishCommand({ TopicArn, Message, MessageAttributes: { action: { DataType: 'String', StringValue: action } } }));

  /** Subscribes a function that answers as told, by default that all went well. */
  function subscribe(options: Partial<SubscriptionOptions> = {}, answer: (event: object) => InvocationResult = () => ({ kind: 'done' })) {
    const events: object[] = [];
    const invoke = async (event: object) => {
      events.push(event);
      return answer(event);
    };
    return { events, subscription: catcher.subscribe({ topicArn: topic, invoke, retryDelaysMs: [1, 1], ...options }) };
  }

  it('gets each message of its topic that its policy accepts, and no other', async () => {
    const { events, subscription } = subscribe({ filterPolicy: { action: ['lock'] } });
    await publish('one');
    await publish('two', 'notify');
    await publish('three', 'lock', topicArn('other'));
    await subscription.settled();
    assert.deepEqual(texts(events), ['one']);
    assert.deepEqual(texts(subscribe().events), [], 'nothing that was published before');
  });

  it('gets it in the shape in which Lambda hands it over', async () => {
    const { events, subscription } = subscribe();
    const { MessageId } = await publish('{"a":1}');
    await subscription.settled();
    const [event] = events as unknown as { Records: [{ EventSource: string }, ...unknown[]] }[];
    assert.equal(event?.Records.length, 1);
    assert.equal(event.Records[0].EventSource, 'aws:sns');
    assert.deepEqual(snsRecordSchema.parse(event.Records[0]), {
      Sns: {
        MessageId,
        Message: '{"a":1}',
        Timestamp: '2026-09-21T14:13:20.000Z',
        MessageAttributes: { action: { Type: 'String', Value: 'lock' } },
      },
    });
  });

  it('gets a message again after an error, as often as there are pauses, then no more', async () => {
    let left = 2;
    const { events, subscription } = subscribe({}, () => (left-- > 0 ? { kind: 'error', message: 'no' } : { kind: 'done' }));
    await publish('one');
    await subscription.settled();
    assert.deepEqual(texts(events), ['one', 'one', 'one']);
    assert.deepEqual(catcher.deadLetters(), []);
  });

  it('that fails on every attempt leaves the event in the dead-letter queue: in memory, in the file, over HTTP', async () => {
    const { events, subscription } = subscribe({ invoke: inProcess(() => Promise.reject(new Error(`no ${'ü'.repeat(600)}`))) });
    await publish('one');
    await subscription.settled();
    const [letter, ...more] = catcher.deadLetters();
    assert.deepEqual([more, events, letter?.attempts, letter?.errorCode], [[], [], 3, 200]);
    assert.deepEqual(texts([letter?.event ?? {}]), ['one']);
    assert.ok(letter?.errorMessage.startsWith('no ü') && Buffer.byteLength(letter.errorMessage) <= 1_024 + 2);
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'sns-dlq.ndjson'), 'utf8')), letter);
    assert.deepEqual(await (await fetch(`${catcher.endpoint}/_dlq`)).json(), [letter]);
  });

  it('that is away is asked until it is back, and none of that counts as an attempt', async function () {
    this.slow(2_000);
    let away = 1;
    const answers: InvocationResult[] = [{ kind: 'error', message: 'no' }, { kind: 'error', message: 'no' }, { kind: 'done' }];
    const { subscription } = subscribe({}, () => (away-- > 0 ? { kind: 'unavailable' } : (answers.shift() ?? { kind: 'done' })));
    await publish('one');
    await subscription.settled();
    assert.deepEqual([answers, catcher.deadLetters()], [[], []]);
  });

  it('gets duplicates when it is told so', async () => {
    const { events, subscription } = subscribe({ deliveries: ({ message }: CaughtMessage) => (message === 'twice' ? 2 : 1) });
    await publish('once');
    await publish('twice');
    await subscription.settled();
    assert.deepEqual(texts(events), ['once', 'twice', 'twice']);
  });

  it('works on no more messages at once than it may', async () => {
    let [running, most] = [0, 0];
    const go: (() => void)[] = [];
    const invoke = async (): Promise<InvocationResult> => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => go.push(resolve));
      running--;
      return { kind: 'done' };
    };
    const { subscription } = subscribe({ invoke, concurrency: 2 });
    for (const text of ['a', 'b', 'c', 'd', 'e']) await publish(text);
    let done = false;
    const settled = subscription.settled().then(() => (done = true));
    while (!done) {
      go.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await settled;
    assert.equal(most, 2);
  });

  it('is left in peace once the catcher is closed, also while it waits for its next attempt', async () => {
    const { events, subscription } = subscribe({ retryDelaysMs: [60_000] }, () => ({ kind: 'error', message: 'no' }));
    await publish('one');
    await catcher.close();
    await subscription.settled();
    assert.equal(events.length, 1);
    assert.deepEqual(subscription.deadLetters, []);
    catcher = await startSnsCatcher({ file: join(folder, 'sns.ndjson') });
  });
});
