import assert from 'node:assert/strict';
import { setImmediate as macrotask } from 'node:timers/promises';
import pino from 'pino';
import { EventRouter, type RouterOptions } from '../../../services/event-router/processor.ts';
import { decodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Checkpointer, CheckpointOutcome, StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { PlatformError } from '../../../services/lib/process/errors.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import type { UserRecord } from '../../../services/lib/producer/aggregation.ts';

const arrived = 1_760_000_001_000;

function changeRecord(version: number, item: object = {}, eventName = 'INSERT'): object {
  const image = {
    userId: { S: 'u-1' },
    tourId: { S: 't-1' },
    status: { S: 'CONFIRMED' },
    version: { N: String(version) },
    updatedAt: { N: String(arrived) },
    seats: { N: '2' },
    amountMinor: { N: '100' },
    currency: { S: 'EUR' },
    channel: { S: 'web' },
    ...item,
  };
  return { eventName, dynamodb: { Keys: { bookingId: { S: 'b-1' } }, NewImage: image, OldImage: image } };
}

let sequence = 100;
function record(content: object | Buffer): StreamRecord {
  const sequenceNumber = String(++sequence);
  return {
    data: Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content)),
    partitionKey: 'any',
    sequenceNumber,
    subSequenceNumber: 0,
    position: position(sequenceNumber),
    approximateArrivalTimestamp: arrived,
  };
}

/** A router whose surroundings write down what happened, in order. */
function setUp(overrides: Partial<RouterOptions> = {}) {
  const happened: string[] = [];
  const events: UserRecord[] = [];
  const metrics = new Metrics();
  const time = { nowMs: 0 };
  const router = new EventRouter({
    producer: {
      async put(event) {
        events.push(event);
        happened.push('put');
      },
      async flush() {
        await macrotask();
        happened.push('flushed');
      },
    },
    deadLetters: {
      async put(letter) {
        await macrotask();
        happened.push(`letter ${letter.reason}`);
      },
    },
    async keepOriginal(key) {
      await macrotask();
      happened.push(`kept ${key}`);
    },
    now: () => time.nowMs,
    ...overrides,
  });
  let answer: CheckpointOutcome = { ok: true };
  const checkpointer: Checkpointer = {
    last: trimHorizon,
    async all() {
      happened.push('checkpoint');
      return answer;
    },
    at: () => assert.fail('everything delivered is durable: no explicit checkpoint is needed'),
  };
  const answerWith = (outcome: CheckpointOutcome): void => {
    answer = outcome;
  };
  const deliver = (...records: StreamRecord[]) => router.processRecords({ records }, checkpointer);
  const context = {
    shardId: 'shardId-000000000007',
    shard: undefined,
    streamName: 'booking-changes',
    streamId: 'booking-changes@1',
    application: 'event-router',
    failoverTimeMs: 3_000,
  };
  const initialize = () => router.initialize({ ...context, workerId: 'w', log: pino({ level: 'silent' }), metrics });
  const take = (): string[] => happened.splice(0);
  const counter = (name: string, reason?: string): number =>
    metrics
      .drain()
      .counters.filter((c) => c.name === name && c.labels['reason'] === reason)
      .reduce((sum, c) => sum + c.value, 0);
  return { router, checkpointer, events, time, answerWith, deliver, initialize, take, counter };
}

describe('event router', () => {
  it('puts each change on, keyed by its user, in order', async () => {
    const { deliver, initialize, events, counter } = setUp();
    await initialize();
    await deliver(record(changeRecord(1)), record(changeRecord(2)), record(changeRecord(3)));
    const decoded = events.map(({ data, partitionKey }) => decodeBookingEvent(data, partitionKey, arrived));
    assert.deepEqual(
      decoded.map((outcome) => outcome.kind === 'ok' && [outcome.value.userId, outcome.value.version]),
      [
        ['u-1', 1],
        ['u-1', 2],
        ['u-1', 3],
      ],
    );
    assert.equal(counter('records_received'), 3);
    assert.equal(counter('events_routed'), 3);
  });

  it('counts what it drops, by reason', async () => {
    const { deliver, initialize, events, counter } = setUp();
    await initialize();
    await deliver(record(changeRecord(1, {}, 'MODIFY')), record(changeRecord(1, { status: { S: 'CANCELLED' } }, 'REMOVE')));
    assert.equal(events.length, 0);
    assert.equal(counter('events_dropped', 'no-op'), 1);
    assert.equal(counter('events_dropped', 'already-cancelled'), 1);
  });

  it('gives up a record whole, with its source position and reason, and goes on', async () => {
    const letters: unknown[] = [];
    const { deliver, initialize, events, counter } = setUp({ deadLetters: { put: async (letter) => void letters.push(letter) } });
    await initialize();
    const junk = record(Buffer.from([0xff, 0xfe]));
    await deliver(junk, record(changeRecord(2)));
    assert.deepEqual(letters, [
      {
        stream: 'booking-changes',
        shard: 'shardId-000000000007',
        sequenceNumber: junk.sequenceNumber,
        subSequenceNumber: 0,
        partitionKey: 'any',
        data: junk.data,
        arrivedAt: arrived,
        reason: 'not-utf8',
        error: '2 bytes that are not UTF-8',
      },
    ]);
    assert.equal(events.length, 1);
    assert.equal(counter('records_dead_lettered', 'not-utf8'), 1);
  });

  it('checkpoints only what is durable, about once a second', async () => {
    const { deliver, initialize, time, take } = setUp();
    await initialize();
    time.nowMs = 999;
    await deliver(record(changeRecord(1)), record({}));
    assert.deepEqual(take(), ['put', 'letter not-a-change-record']);
    time.nowMs = 1_000;
    await deliver(record({}), record(changeRecord(2)));
    assert.deepEqual(take(), ['put', 'letter not-a-change-record', 'flushed', 'checkpoint']);
    time.nowMs = 1_999;
    await deliver(record(changeRecord(3)));
    assert.deepEqual(take(), ['put']);
  });

  it('checkpoints at the first tick of a shard that went quiet, then rests', async () => {
    const { deliver, initialize, take } = setUp();
    await initialize();
    await deliver(record(changeRecord(1)));
    await deliver();
    assert.deepEqual(take(), ['put', 'flushed', 'checkpoint']);
    await deliver();
    assert.deepEqual(take(), []);
  });

  it('tries a checkpoint again that was not made', async () => {
    const { deliver, initialize, answerWith, take } = setUp();
    await initialize();
    await deliver(record(changeRecord(1)));
    answerWith({ ok: false, reason: 'failed', error: 'throttled' });
    await deliver();
    take();
    await deliver();
    assert.deepEqual(take(), ['flushed', 'checkpoint']);
  });

  it('flushes and checkpoints when the shard ends and when it is asked to stop', async () => {
    const { router, checkpointer, deliver, initialize, take } = setUp();
    await initialize();
    await deliver(record(changeRecord(1)));
    await router.shutdownRequested(checkpointer);
    await router.shardEnded(checkpointer);
    assert.deepEqual(take(), ['put', 'flushed', 'checkpoint', 'flushed', 'checkpoint']);
  });

  it('keeps an original that is too large for its event before the event goes on', async () => {
    const { deliver, initialize, events, take } = setUp();
    await initialize();
    const large = record(changeRecord(1, { note: { S: 'x'.repeat(70_000) } }));
    await deliver(large);
    const key = `originals/booking-changes/shardId-000000000007/${large.sequenceNumber}-0.json`;
    assert.deepEqual(take(), [`kept ${key}`, 'put']);
    assert.match(String(events[0]?.data), new RegExp(`"extra":{"originalRef":"${key}"}`));
  });

  it('checkpoints nothing when an event cannot be put or a dead letter cannot be stored', async () => {
    const failure = new PlatformError('PUT_FAILED', 'no');
    const cannot = async () => Promise.reject(failure);
    for (const broken of [
      { producer: { put: cannot, flush: cannot } },
      { producer: { put: async () => undefined, flush: cannot } },
      { deadLetters: { put: cannot } },
    ]) {
      const { deliver, initialize, time, take } = setUp(broken);
      await initialize();
      time.nowMs = 5_000;
      await assert.rejects(deliver(record({}), record(changeRecord(1)), ...Array.from({ length: 40 }, () => record({}))), failure);
      assert.ok(!take().includes('checkpoint'));
    }
  });

  it('has few dead letters under way at once', async () => {
    let underWay = 0;
    let most = 0;
    const put = async (): Promise<void> => {
      most = Math.max(most, ++underWay);
      await macrotask();
      underWay--;
    };
    const { deliver, initialize } = setUp({ deadLetters: { put } });
    await initialize();
    await deliver(...Array.from({ length: 200 }, () => record({})));
    assert.equal(underWay, 0);
    assert.ok(most > 1 && most <= 16, `${most} at once`);
  });
});
