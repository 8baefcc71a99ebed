import assert from 'node:assert/strict';
import type { PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { Notifier, type NotifierOptions } from '../../../services/fraud-detector/notifier.ts';
import type { AlertRecord, StoredAlert } from '../../../services/fraud-detector/stored-alert.ts';
import { createLogger } from '../../../services/lib/process/log.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';

const start = 1_795_392_000_000;
let now = start;
beforeEach(() => (now = start));

function alertOf(alertId: string, ruleId = 'churn'): StoredAlert {
  const about = { ruleId, ruleVersion: 1, mode: 'live', severity: 'high', key: 'user-1' } as const;
  const alert = { alertId, ...about, at: 1, triggeredBy: 'e', value: 1, evidenceCount: 1, evidence: [{ eventId: 'e', occurredAt: 1 }] };
  return { alert, action: 'lock', raisedAt: start - 100, arrivedAt: start - 300 };
}
const alertsOf = (count: number): StoredAlert[] => Array.from({ length: count }, (_, i) => alertOf(String(i)));

/** The shard waits for every call: none is without a deadline. */
function bounded(signal: unknown): true {
  assert.ok(signal instanceof AbortSignal);
  return true;
}

/** A topic and a table in memory; what is left pending is what the sweep finds. */
function outbox(options: Partial<Pick<NotifierOptions, 'withheld' | 'maxPerMinute'>> = {}) {
  const state = new Map<string, string>();
  const messages: PublishCommandInput[] = [];
  const faults = { publish: false, mark: false };
  const left: StoredAlert[] = [];
  const limits: number[] = [];
  const metrics = new Metrics();
  const mark = async (alertId: string, as: string, signal: unknown): Promise<boolean> => {
    bounded(signal);
    if (faults.mark) throw new Error('table away');
    state.set(alertId, as);
    return true;
  };
  const send = async ({ input }: { input: PublishCommandInput }, options?: { abortSignal?: unknown }) => {
    bounded(options?.abortSignal);
    if (faults.publish) throw new Error('topic away');
    messages.push(input);
    return {};
  };
  const notifier = new Notifier({
    sns: { send: send as SNSClient['send'] },
    topicArn: 'arn:topic',
    store: {
      markPublished: async (alertId, _, signal) => void (await mark(alertId, 'published', signal)),
      markWithheld: (alertId, _, signal) => mark(alertId, 'withheld', signal),
      claimForSweep: async (_id, _now, _since, signal) => bounded(signal),
      pendingBefore: async (_, limit, signal) => {
        bounded(signal);
        limits.push(limit);
        return left.slice(0, limit).map((stored): AlertRecord => ({ ...stored, pending: true }));
      },
    },
    log: createLogger('fraud-detector', 'info', () => undefined),
    metrics,
    now: () => now,
    withheld: () => false,
    maxPerMinute: 600,
    ...options,
  });
  const counted = () => {
    const { counters, timings } = metrics.drain();
    const latency = timings.filter(({ name }) => name === 'detect_latency').flatMap(({ samplesMs }) => samplesMs);
    return { latency, ...Object.fromEntries(counters.map(({ name, labels, value }) => [`${name}${labels['rule'] ?? ''}`, value])) };
  };
  return { notifier, state, messages, faults, left, limits, counted };
}

describe('the notifier', () => {
  it('sends the alert itself, and says that it is warming only when it is', async () => {
    const { notifier, messages } = outbox();
    const [settled, warming] = [alertOf('a'), { ...alertOf('b'), warming: true as const }];
    await notifier.publish([settled, warming]);
    assert.deepEqual(
      messages.map(({ Message }) => JSON.parse(Message ?? '')),
      [settled.alert, { ...warming.alert, warming: true }],
    );
    assert.deepEqual(
      messages.map(({ MessageAttributes }) => MessageAttributes?.['warming']?.StringValue),
      [undefined, 'true'],
    );
  });

  it('times detection from arrival to published, of a swept alert too', async () => {
    const { notifier, left, counted } = outbox();
    await notifier.publish([alertOf('a')]);
    now += 60_000;
    left.push(alertOf('b'));
    await notifier.sweep();
    assert.deepEqual(counted(), { alerts_published: 2, latency: [300, 60_300] });
  });

  it('keeps the alerts of a withheld rule from the topic, swept ones too, and asks each time', async () => {
    const switchedOff = new Set(['noisy']);
    const { notifier, state, messages, left, counted } = outbox({ withheld: (ruleId) => switchedOff.has(ruleId) });
    assert.equal(await notifier.publish([alertOf('a', 'noisy'), alertOf('b')]), 1);
    left.push(alertOf('c', 'noisy'));
    await notifier.sweep();
    assert.deepEqual(Object.fromEntries(state), { a: 'withheld', b: 'published', c: 'withheld' });
    assert.equal(messages.length, 1);
    assert.deepEqual(counted(), { alerts_withheldnoisy: 2, alerts_published: 1, latency: [300] });
    switchedOff.clear();
    assert.equal(await notifier.publish([alertOf('d', 'noisy')]), 1);
  });

  it('leaves alerts on the outbox until it is known whether they are withheld', async () => {
    let isWithheld: boolean | undefined;
    const { notifier, state, messages, left, counted } = outbox({ withheld: () => isWithheld });
    left.push(alertOf('a'));
    await notifier.sweep();
    assert.deepEqual([state.size, messages.length, counted()], [0, 0, { latency: [] }]);
    isWithheld = false;
    now += 10_000;
    await notifier.sweep();
    assert.deepEqual([state.get('a'), messages.length], ['published', 1]);
  });

  it('leaves what exceeds its minute pending, and sweeps no more than the minute still takes', async () => {
    const { notifier, messages, left, limits, counted } = outbox({ maxPerMinute: 10 });
    assert.equal(await notifier.publish(alertsOf(12)), 10);
    assert.deepEqual(counted(), { alerts_published: 10, alerts_throttled: 2, latency: Array.from({ length: 10 }, () => 300) });
    left.push(...alertsOf(30));
    now += 59_999;
    await notifier.sweep();
    assert.deepEqual(limits, [], 'the minute is not over');
    now += 1;
    assert.equal(await notifier.publish(alertsOf(3)), 3);
    await notifier.sweep();
    assert.deepEqual([limits, messages.length], [[7], 20]);
  });

  it('pauses for 10 s when the topic is away, without a word to the shard', async () => {
    const { notifier, state, faults, counted, limits } = outbox();
    faults.publish = true;
    assert.equal(await notifier.publish(alertsOf(20)), 0);
    faults.publish = false;
    now += 9_999;
    assert.equal(await notifier.publish(alertsOf(1)), 0);
    await notifier.sweep();
    assert.deepEqual([state.size, limits, counted()], [0, [], { alerts_publish_failed: 8, latency: [] }]);
    now += 1;
    assert.equal(await notifier.publish(alertsOf(1)), 1);
  });

  it('goes on when an alert was published and could not be marked: it is published again rather than lost', async () => {
    const { notifier, faults, counted } = outbox({ withheld: (ruleId) => ruleId === 'noisy' });
    faults.mark = true;
    assert.equal(await notifier.publish([alertOf('a'), alertOf('b', 'noisy')]), 1);
    assert.deepEqual(counted(), { alerts_published: 1, alerts_mark_failed: 2, latency: [300] });
  });
});
