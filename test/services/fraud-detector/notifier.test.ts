import assert from 'node:assert/strict';
import type { PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import { Notifier, type NotifierOptions } from '../../../services/fraud-detector/notifier.ts';
import type { AlertRecord, StoredAlert } from '../../../services/lib/alerts/stored-alert.ts';
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
const alertsOf = (count: number, prefix = ''): StoredAlert[] => Array.from({ length: count }, (_, i) => alertOf(`${prefix}${i}`));

const fault = (name: string, message = ''): Error => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 } });
const tooLong = fault('InvalidParameterException', 'Invalid parameter: Message too long');

/** The shard waits for every call: none is without a deadline. */
function bounded(signal: unknown): true {
  assert.ok(signal instanceof AbortSignal);
  return true;
}

/** A topic and a table in memory; what is left pending is what the sweep finds. */
function outbox(options: Partial<Pick<NotifierOptions, 'withheld' | 'maxPerMinute'>> = {}) {
  const state = new Map<string, string>();
  const messages: PublishCommandInput[] = [];
  const faults: { publish: Error | undefined; mark: boolean } = { publish: undefined, mark: false };
  /** Messages that are refused for good, and what a publish takes. */
  const refused = new Set<string>();
  const pace = { publishMs: 0 };
  const logged: string[] = [];
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
    now += pace.publishMs;
    if (faults.publish) throw faults.publish;
    if (refused.has((JSON.parse(input.Message ?? '') as { alertId: string }).alertId)) throw tooLong;
    messages.push(input);
    return {};
  };
  const notifier = new Notifier({
    sns: { send: send as SNSClient['send'] },
    topicArn: 'arn:topic',
    store: {
      markPublished: async (alertId, _, signal) => void (await mark(alertId, 'published', signal)),
      markWithheld: (alertId, _, signal) => mark(alertId, 'withheld', signal),
      markRefused: (alertId, _, reason, signal) => mark(alertId, reason, signal),
      claimForSweep: async (_id, _now, _since, signal) => bounded(signal),
      pendingBefore: async (_, limit, signal) => {
        bounded(signal);
        limits.push(limit);
        const waiting = left.filter(({ alert }) => !state.has(alert.alertId));
        return waiting.slice(0, limit).map((stored): AlertRecord => ({ ...stored, pending: true }));
      },
    },
    log: createLogger('fraud-detector', 'info', (line) => logged.push(line)),
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
  return { notifier, state, messages, faults, refused, pace, logged, left, limits, counted };
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
    left.push(...alertsOf(30, 'left'));
    now += 59_999;
    await notifier.sweep();
    assert.deepEqual(limits, [], 'the minute is not over');
    now += 1;
    assert.equal(await notifier.publish(alertsOf(3)), 3);
    await notifier.sweep();
    assert.deepEqual([limits, messages.length], [[5], 18], 'of the 7 left, a quarter of the budget is kept for what comes new');
  });

  it('pauses for 10 s when the topic is away, without a word to the shard', async () => {
    const { notifier, state, faults, counted, limits } = outbox();
    faults.publish = new Error('topic away');
    assert.equal(await notifier.publish(alertsOf(20)), 0);
    faults.publish = undefined;
    now += 9_999;
    assert.equal(await notifier.publish(alertsOf(1)), 0);
    await notifier.sweep();
    assert.deepEqual([state.size, limits, counted()], [0, [], { alerts_publish_failed: 8, latency: [] }]);
    now += 1;
    assert.equal(await notifier.publish(alertsOf(1)), 1);
  });

  it('leaves the rest of many alerts on the outbox when its time is over, and does not take the topic for away', async () => {
    const { notifier, pace, messages, counted } = outbox();
    pace.publishMs = 100;
    assert.equal(await notifier.publish(alertsOf(60)), 32, 'groups of 8 in 3 s');
    assert.equal(counted()['alerts_publish_failed' as never], undefined);
    assert.equal(await notifier.publish(alertsOf(1, 'next')), 1);
    assert.equal(messages.length, 33);
  });

  it('goes on when an alert was published and could not be marked: it is published again rather than lost', async () => {
    const { notifier, faults, counted } = outbox({ withheld: (ruleId) => ruleId === 'noisy' });
    faults.mark = true;
    assert.equal(await notifier.publish([alertOf('a'), alertOf('b', 'noisy')]), 1);
    assert.deepEqual(counted(), { alerts_published: 1, alerts_mark_failed: 2, latency: [300] });
  });

  it('takes an alert that SNS refuses for good off the outbox, tells why, and goes on with the others at once', async () => {
    const { notifier, state, refused, logged, counted } = outbox();
    for (const id of ['1', '3', '10']) refused.add(id);
    assert.equal(await notifier.publish(alertsOf(20)), 17);
    assert.equal(state.get('10'), 'InvalidParameterException: Invalid parameter: Message too long');
    assert.equal([...state.values()].filter((as) => as === 'published').length, 17);
    const { latency, ...counters } = counted();
    assert.deepEqual([counters, latency.length], [{ alerts_published: 17, alerts_refusedchurn: 3 }, 17]);
    const lines = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(
      lines.map(({ event, level, alertId, code }) => [event, level, alertId, code]),
      ['1', '3', '10'].map((id) => ['alert.refused', 'error', id, 'InvalidParameterException']),
    );
    assert.ok(logged.every((line) => line.includes('Message too long')));
  });

  it('comes to what lies behind a page of refused alerts', async () => {
    const { notifier, state, refused, left } = outbox();
    left.push(...alertsOf(25, 'bad'), ...alertsOf(5));
    for (const { alert } of left.slice(0, 25)) refused.add(alert.alertId);
    await notifier.sweep();
    await notifier.sweep();
    assert.deepEqual([state.size, state.get('4')], [30, 'published']);
  });

  it('keeps a refused alert on the outbox until that is marked', async () => {
    const { notifier, refused, faults, counted } = outbox();
    refused.add('a');
    faults.mark = true;
    assert.equal(await notifier.publish([alertOf('a')]), 0);
    assert.deepEqual(counted(), { alerts_mark_failed: 1, latency: [] });
  });

  for (const error of [
    fault('AuthorizationErrorException'),
    fault('NotFoundException', 'Topic does not exist'),
    fault('InvalidParameterException', 'Invalid parameter: TopicArn'),
    fault('InvalidParameterException', 'Invalid parameter: The MessageGroupId parameter is required for FIFO topics'),
    fault('ThrottledException'),
    fault('KMSDisabledException'),
    fault('TimeoutError'),
  ]) {
    it(`takes no alert for refused when all are: ${error.name} ${error.message}`, async () => {
      const { notifier, state, faults, counted } = outbox();
      faults.publish = error;
      assert.equal(await notifier.publish(alertsOf(20)), 0);
      assert.deepEqual([state.size, counted()], [0, { alerts_publish_failed: 8, latency: [] }]);
      faults.publish = undefined;
      assert.equal(await notifier.publish(alertsOf(1)), 0, 'a pause');
    });
  }
});

describe('a backlog on the outbox', () => {
  it('drains page after page, then the sweep has its pause again', async () => {
    const { notifier, messages, left, limits } = outbox();
    left.push(...alertsOf(80));
    for (let i = 0; i < 6; i++) await notifier.sweep();
    assert.deepEqual([messages.length, limits], [80, [25, 25, 25, 25]]);
    now += 9_999;
    await notifier.sweep();
    assert.equal(limits.length, 4);
    now += 1;
    await notifier.sweep();
    assert.equal(limits.length, 5);
  });

  it('takes at most a quarter of the time of its shard, and never waits longer than without one', async () => {
    const { notifier, pace, left, limits } = outbox();
    left.push(...alertsOf(200));
    const sweeps = async (waitMs: number): Promise<number> => {
      now += waitMs;
      await notifier.sweep();
      return limits.length;
    };
    pace.publishMs = 16; // a page of 25: 400 ms
    assert.deepEqual([await sweeps(0), await sweeps(1_199), await sweeps(1)], [1, 1, 2]);
    pace.publishMs = 112; // 2.8 s
    assert.deepEqual([await sweeps(1_200), await sweeps(7_199), await sweeps(1)], [3, 3, 4]);
  });

  it('is not hurried when something stayed on the outbox', async () => {
    const { notifier, faults, left, limits } = outbox();
    left.push(...alertsOf(80));
    faults.mark = true;
    for (let i = 0; i < 3; i++) await notifier.sweep();
    assert.deepEqual(limits, [25]);
  });

  it('leaves a quarter of the minute to alerts that come new', async () => {
    const { notifier, messages, left, counted } = outbox({ maxPerMinute: 100 });
    left.push(...alertsOf(120, 'left'));
    for (let i = 0; i < 10; i++) await notifier.sweep();
    assert.equal(messages.length, 75);
    assert.equal(await notifier.publish(alertsOf(25)), 25);
    assert.equal(Object.hasOwn(counted(), 'alerts_throttled'), false);
    now += 60_000;
    for (let i = 0; i < 10; i++) await notifier.sweep();
    assert.equal(messages.length, 145);
  });

  it('drains with the smallest budget too', async () => {
    const { notifier, messages, left } = outbox({ maxPerMinute: 1 });
    left.push(...alertsOf(2));
    await notifier.sweep();
    assert.equal(messages.length, 1);
  });
});
