import assert from 'node:assert/strict';
import { setImmediate as macrotask } from 'node:timers/promises';
import pino from 'pino';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { aggregate, type UserRecord } from '../../../../services/lib/producer/aggregation.ts';
import { Producer, type ProducerOptions } from '../../../../services/lib/producer/producer.ts';
import { type Faults, noFaults, SimulatedStream } from './simulated-stream.ts';
import { randomFrom, VirtualClock } from './virtual-clock.ts';

const record = (key: string, data: string | number): UserRecord => ({
  partitionKey: key,
  data: typeof data === 'string' ? Buffer.from(data) : Buffer.alloc(data, 'x'),
});
const code = (expected: string) => (error: unknown) => error instanceof PlatformError && error.code === expected;

function setUp(shards = 1, faults: Partial<Faults> = {}, options: Partial<ProducerOptions> = {}) {
  const clock = new VirtualClock();
  const stream = new SimulatedStream(clock, randomFrom(1), shards, { ...noFaults, ...faults });
  const metrics = new Metrics();
  const log = pino({ level: 'silent' });
  const producer = new Producer({ kinesis: stream.client, streamName: 'events', log, metrics, clock, random: randomFrom(2), ...options });
  const counter = (name: string): number =>
    metrics
      .drain()
      .counters.filter((c) => c.name === name)
      .reduce((sum, c) => sum + c.value, 0);
  return { clock, stream, metrics, producer, counter };
}

async function settled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), macrotask(false)]);
}

function perKey(records: readonly UserRecord[]): Map<string, UserRecord[]> {
  const keys = new Map<string, UserRecord[]>();
  for (const each of records) keys.set(each.partitionKey, [...(keys.get(each.partitionKey) ?? []), each]);
  return keys;
}

describe('producer', () => {
  it('sends an aggregate once its first record has waited 100 ms', async () => {
    const { clock, stream, producer } = setUp();
    await producer.put(record('a', '1'));
    await clock.until(clock.pause(90));
    await producer.put(record('b', '2'));
    assert.equal(stream.requests.length, 0);
    await clock.until(clock.pause(100));
    assert.equal(stream.requests.length, 1);
    assert.deepEqual(stream.delivered(), [record('a', '1'), record('b', '2')]);
  });

  it('sends at once what is flushed, and what fills an aggregate', async () => {
    const { clock, stream, producer } = setUp(1, {}, { lingerMs: 60_000 });
    await producer.put(record('a', '1'));
    await clock.until(producer.flush(), 1_000);
    for (let i = 0; i < 30; i++) await producer.put(record(`k${i}`, 1_000));
    await clock.until(clock.pause(1_000));
    assert.equal(stream.requests.length, 2);
    assert.ok(stream.delivered().length >= 20);
  });

  it('keeps aggregates within 25 KB, and sends a larger event alone, in its turn', async () => {
    const { clock, stream, producer } = setUp(2);
    const records = Array.from({ length: 200 }, (_, i) => record(`k${i % 7}`, i % 50 === 49 ? 25_001 : 700 + i));
    for (const each of records) await producer.put(each);
    await clock.until(producer.close());
    const entries = stream.requests.flat();
    for (const { Data } of entries) assert.ok(Data!.length <= 25_000 || Data!.length === 25_001, `${Data!.length} bytes`);
    assert.ok(entries.length < 20, `${entries.length} entries`);
    assert.deepEqual(perKey(stream.delivered()), perKey(records));
  });

  it('keeps a request within 500 entries and 5 MiB', async () => {
    // Without a map every key is planned alone: many entries at once.
    const many = setUp(4, { noList: 1 });
    for (let i = 0; i < 1_200; i++) await many.producer.put(record(`k${i}`, 10));
    await many.clock.until(many.producer.close());
    assert.deepEqual(
      many.stream.requests.map((entries) => entries.length),
      [500, 500, 200],
    );
    const large = setUp(4, { noList: 1 });
    for (let i = 0; i < 12; i++) await large.producer.put(record(`k${i}`, 1_000_000));
    await large.clock.until(large.producer.close());
    assert.deepEqual(
      large.stream.requests.map((entries) => entries.length),
      [5, 5, 2],
    );
  });

  it('holds no more than its buffer: put waits, in order, until there is room', async () => {
    const { clock, stream, producer } = setUp(1, {}, { maxBufferedRecords: 3 });
    const puts = Array.from({ length: 7 }, (_, i) => producer.put(record('a', String(i))));
    assert.deepEqual(await Promise.all(puts.map(settled)), [true, true, true, false, false, false, false]);
    await clock.until(producer.flush());
    assert.deepEqual(
      stream.delivered().map(({ data }) => String(data)),
      ['0', '1', '2', '3', '4', '5', '6'],
    );
  });

  it('counts bytes too, but lets one record of any size pass', async () => {
    const { clock, producer } = setUp(1, {}, { maxBufferedBytes: 5_000 });
    await producer.put(record('a', 9_000));
    const second = producer.put(record('a', 10));
    assert.equal(await settled(second), false);
    await clock.until(second);
    await clock.until(producer.close());
  });

  it('says PUT_FAILED for good once a record has failed for the whole budget', async () => {
    const { clock, producer } = setUp(1, { throttled: 1 }, { retryBudgetMs: 10_000, maxBufferedRecords: 1 });
    await producer.put(record('a', '1'));
    const waiting = assert.rejects(producer.put(record('a', '2')), code('PUT_FAILED'));
    const flushing = assert.rejects(producer.flush(), code('PUT_FAILED'));
    await clock.until(Promise.all([waiting, flushing]), 20_000);
    await assert.rejects(producer.put(record('a', '3')), code('PUT_FAILED'));
    await assert.rejects(producer.flush(), code('PUT_FAILED'));
  });

  it('pauses longer and longer between retries, up to the cap', async () => {
    const { clock, stream, producer } = setUp(1, { refused: 1 }, { backoff: { baseMs: 100, capMs: 1_000 }, random: () => 0.999_999 });
    await producer.put(record('a', '1'));
    await clock.until(clock.pause(10_000));
    assert.ok(stream.requests.length >= 9 && stream.requests.length <= 13, `${stream.requests.length} requests`);
  });

  it('refuses a record that Kinesis could never take, and goes on', async () => {
    const { clock, stream, producer } = setUp();
    await assert.rejects(producer.put(record('a', 1_048_576)), code('PUT_FAILED'));
    await assert.rejects(producer.put(record('', '1')), code('PUT_FAILED'));
    await assert.rejects(producer.put(record('k'.repeat(257), '1')), code('PUT_FAILED'));
    await producer.put(record('a', 1_048_575));
    await clock.until(producer.close());
    assert.equal(stream.delivered().length, 1);
  });

  it('takes nothing after it was closed', async () => {
    const { clock, producer } = setUp();
    await clock.until(producer.close());
    await assert.rejects(producer.put(record('a', '1')), code('BUFFER_CLOSED'));
  });

  it('gives back bytes that look like an aggregate as they were put', async () => {
    const { clock, stream, producer } = setUp();
    const inner = { partitionKey: 'a', data: aggregate([record('x', '1'), record('y', '2')]) };
    await producer.put(inner);
    await clock.until(producer.close());
    assert.deepEqual(stream.delivered(), [inner]);
  });

  it('places records with an explicit hash key by it', async () => {
    const { clock, stream, producer } = setUp(4);
    const records = ['0', '1', String(2n ** 128n - 1n)].map((explicitHashKey) => ({ ...record('a', explicitHashKey), explicitHashKey }));
    for (const each of records) await producer.put(each);
    await clock.until(producer.close());
    assert.equal(stream.requests.flat().length, 2);
    assert.equal(stream.strays, 0);
    assert.equal(stream.delivered().length, 3);
  });

  it('lists the shards again when an answer names another shard than planned, and not otherwise', async () => {
    const { clock, stream, producer } = setUp(1);
    const keys = Array.from({ length: 50 }, (_, i) => `k${i}`);
    for (let round = 0; round < 3; round++) {
      for (const key of keys) await producer.put(record(key, '1'));
      await clock.until(producer.flush());
    }
    assert.equal(stream.listings, 1);
    stream.split(0);
    for (let round = 0; round < 3; round++) {
      for (const key of keys) await producer.put(record(key, '2'));
      await clock.until(producer.flush());
    }
    assert.equal(stream.listings, 2);
    assert.equal(stream.delivered().filter(({ data }) => String(data) === '2').length, 150);
    assert.equal(stream.strays, 1);
  });

  it("reports KPL's figures", async () => {
    const { clock, producer, metrics, counter } = setUp(2, { throttled: 0.5 });
    for (let i = 0; i < 100; i++) await producer.put(record(`k${i}`, 300));
    assert.equal(metrics.drain().gauges.find((g) => g.name === 'UserRecordsPending')?.value, 100);
    await clock.until(producer.close());
    const { counters, gauges, timings } = metrics.drain();
    assert.equal(gauges.find((g) => g.name === 'UserRecordsPending')?.value, 0);
    assert.equal(counter('UserRecordsReceived'), 100);
    assert.equal(counter('UserRecordsPut'), 100);
    assert.ok(counter('RetriesPerRecord') > 0);
    assert.deepEqual(counters.find((c) => c.name === 'ErrorsByCode')?.labels, { code: 'ProvisionedThroughputExceededException' });
    assert.ok(timings.find((t) => t.name === 'BufferingTime')?.samplesMs.every((ms) => ms >= 0 && ms <= 200));
  });
});
