import assert from 'node:assert/strict';
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import { type MetricResult, Metrics, TooManyDatapoints } from '../../../../../scripts/local/kinesis/metrics/metrics.ts';
import { PutTally } from '../../../../../scripts/local/kinesis/metrics/put-tally.ts';
import type { Service } from '../../../../../scripts/local/kinesis/operations/call.ts';
import { answerSide } from '../../../../../scripts/local/kinesis/side/side.ts';
import { Clock } from '../../../../../scripts/local/kinesis/store/clock.ts';
import { FanoutRig } from '../fanout/fanout-rig.ts';
import { awsError, startMs } from '../rig.ts';
import { SideClient } from '../side/client.ts';

const periodMs = 1_000;
const periodStart = startMs - (startMs % periodMs);
const shard0 = 'shardId-000000000000';

describe('local Kinesis: metrics', () => {
  let rig: FanoutRig;
  let side: SideClient;
  beforeEach(async () => {
    rig = await FanoutRig.open({ metricsPeriodMs: periodMs });
    side = new SideClient(rig.server.endpoint);
  });
  afterEach(() => rig.stop());

  const records = (count: number) => Array.from({ length: count }, () => ({ key: 'key', data: '1234567' }));
  const named = (found: readonly MetricResult[], name: string, shard?: string) =>
    found.find((metric) => metric.name === name && metric.shard === shard && metric.consumer === undefined)?.datapoints;
  const sums = async (name: string, shard?: string) => named(await side.metrics('stream=s'), name, shard)?.map(({ sum }) => sum);

  it('measure puts: one sample for each operation, of the stream and of the shard', async () => {
    await rig.put('s', records(3));
    await rig.client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'key', Data: Buffer.from('1234567') }));
    const found = await side.metrics('stream=s');
    for (const shard of [undefined, shard0]) {
      assert.deepEqual(named(found, 'IncomingBytes', shard), [
        { timestampMs: periodStart, sum: 40, minimum: 10, maximum: 30, sampleCount: 2, average: 20 },
      ]);
      assert.deepEqual(
        named(found, 'IncomingRecords', shard)?.map(({ sum, maximum }) => [sum, maximum]),
        [[4, 3]],
      );
      assert.deepEqual(
        named(found, 'WriteProvisionedThroughputExceeded', shard)?.map(({ sum, sampleCount }) => [sum, sampleCount]),
        [[0, 2]],
      );
    }
    const once = ['PutRecord.Success', 'PutRecords.Success', 'PutRecord.Latency', 'PutRecords.Latency', 'PutRecords.TotalRecords'];
    for (const name of once) assert.equal(named(found, name)?.[0]?.sampleCount, 1, name);
    assert.deepEqual([named(found, 'PutRecord.Bytes')?.[0]?.sum, named(found, 'PutRecords.Bytes')?.[0]?.sum], [10, 30]);
    assert.equal(found.find(({ name }) => name === 'IncomingBytes')?.unit, 'Bytes');
  });

  it('measure throttled records as such, in whole and in part', async () => {
    await rig.put('s', records(500));
    await rig.put('s', records(500));
    await rig.put('s', records(3));
    await assert.rejects(
      rig.client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'key', Data: Buffer.from('x') })),
      awsError('ProvisionedThroughputExceededException'),
    );
    for (const shard of [undefined, shard0]) {
      assert.deepEqual(await sums('WriteProvisionedThroughputExceeded', shard), [4]);
      const [incoming] = named(await side.metrics('stream=s'), 'IncomingRecords', shard) ?? [];
      assert.deepEqual([incoming?.sum, incoming?.sampleCount], [1_000, 2], 'a put that stored nothing is no sample');
    }
    const found = await side.metrics('stream=s');
    assert.deepEqual(named(found, 'PutRecords.ThrottledRecords')?.[0]?.sum, 3);
    assert.deepEqual(named(found, 'PutRecords.SuccessfulRecords')?.[0]?.sum, 1_000);
    assert.deepEqual(named(found, 'PutRecords.TotalRecords')?.[0]?.sum, 1_003);
    assert.deepEqual([named(found, 'PutRecords.Success')?.[0]?.average, named(found, 'PutRecord.Success')?.[0]?.average], [2 / 3, 0]);
  });

  it('measure what faults do as what they look like', async () => {
    await side.set({ kind: 'throttle', operations: ['PutRecords'], times: 1 }, { kind: 'partial', code: 'InternalFailure', times: 1 });
    await assert.rejects(rig.put('s', records(5)));
    await rig.put('s', records(2));
    await side.set({ kind: 'slow', delayMs: 60_000, operations: ['PutRecords'] }, { kind: 'error', operations: ['GetRecords'] });
    const slow = rig.put('s', records(1));
    await assert.rejects(rig.get(await rig.iterator('s', shard0)));
    rig.pass(60_000);
    await slow;
    const found = await side.metrics(`stream=s&to=${periodStart + 1}`);
    assert.deepEqual(named(found, 'PutRecords.ThrottledRecords')?.[0]?.sum, 5);
    assert.deepEqual(named(found, 'WriteProvisionedThroughputExceeded', shard0)?.[0]?.sum, 5);
    assert.deepEqual(named(found, 'PutRecords.FailedRecords')?.[0]?.sum, 2);
    assert.deepEqual(named(found, 'GetRecords.Success')?.[0]?.average, 0);
    assert.ok(Number(named(found, 'PutRecords.Latency')?.[0]?.maximum) >= 60_000);
  });

  it('measure reads, and how far behind they are', async () => {
    await rig.put('s', records(4));
    rig.pass(periodMs);
    await rig.put('s', records(4));
    rig.pass(periodMs);
    let { NextShardIterator: iterator } = await rig.get(await rig.iterator('s', shard0), 4);
    ({ NextShardIterator: iterator } = await rig.get(iterator, 2));
    await rig.get(iterator);
    await rig.get(iterator);
    await rig.get(iterator);
    await assert.rejects(rig.get(iterator), awsError('ProvisionedThroughputExceededException'));
    const found = await side.metrics('stream=s');
    for (const [name, shard] of [
      ['GetRecords.IteratorAgeMilliseconds', undefined],
      ['IteratorAgeMilliseconds', shard0],
    ] as const) {
      const [age] = named(found, name, shard) ?? [];
      assert.deepEqual([age?.maximum, age?.minimum, age?.sum, age?.sampleCount], [2_000, 0, 3_000, 5], name);
    }
    assert.deepEqual([named(found, 'GetRecords.Records')?.[0]?.sum, named(found, 'OutgoingRecords', shard0)?.[0]?.sum], [12, 12]);
    assert.deepEqual([named(found, 'GetRecords.Bytes')?.[0]?.sum, named(found, 'OutgoingBytes', shard0)?.[0]?.sum], [120, 120]);
    for (const shard of [undefined, shard0]) {
      const [throttled] = named(found, 'ReadProvisionedThroughputExceeded', shard) ?? [];
      assert.deepEqual([throttled?.sum, throttled?.sampleCount], [1, 6]);
    }
    assert.equal(named(found, 'GetRecords.Success')?.[0]?.average, 5 / 6);
  });

  it('see a stuck reader fall behind', async () => {
    const iterator = await rig.iterator('s', shard0);
    await rig.put('s', records(1));
    await side.set({ kind: 'stuck' });
    for (let i = 0; i < 3; i++) {
      rig.pass(periodMs);
      await rig.get(iterator);
    }
    const ages = named(await side.metrics('stream=s'), 'IteratorAgeMilliseconds', shard0);
    assert.deepEqual(
      ages?.map(({ maximum }) => maximum),
      [1_000, 2_000, 3_000],
    );
  });

  it('measure subscriptions by consumer', async () => {
    await rig.put('s', records(4));
    rig.pass(periodMs);
    const reader = await rig.subscribe({ Type: 'TRIM_HORIZON' });
    await reader.next();
    await assert.rejects(rig.subscribe({ Type: 'LATEST' }), awsError('ResourceInUseException'));
    const found = await side.metrics('consumer=reader');
    const stats = Object.fromEntries(found.map(({ name, datapoints: [point] }) => [name, [point?.sum, point?.sampleCount]]));
    assert.deepEqual(stats, {
      'SubscribeToShard.RateExceeded': [1, 2],
      'SubscribeToShard.Success': [1, 2],
      'SubscribeToShardEvent.Bytes': [40, 1],
      'SubscribeToShardEvent.MillisBehindLatest': [0, 1],
      'SubscribeToShardEvent.Records': [4, 1],
      'SubscribeToShardEvent.Success': [1, 1],
    });
    assert.deepEqual(await sums('OutgoingRecords', shard0), [4]);
    await reader.leave();
  });

  it('leave out what is the caller’s own fault, and periods without an operation', async () => {
    await assert.rejects(rig.put('nowhere', records(1)), awsError('ResourceNotFoundException'));
    await assert.rejects(rig.get('AAAA'));
    await assert.rejects(rig.put('s', [{ key: '', data: '' }]));
    assert.deepEqual(await side.metrics(''), []);
    await rig.put('s', records(1));
    rig.pass(3 * periodMs);
    await rig.put('s', records(1));
    const points = named(await side.metrics('stream=s'), 'IncomingRecords');
    assert.deepEqual(
      points?.map(({ timestampMs }) => timestampMs - periodStart),
      [0, 3 * periodMs],
    );
  });

  it('answer the latest of everything, or a span of one stream: from ≤ timestamp < to', async () => {
    await rig.create('t', 1);
    await rig.put('t', records(2));
    for (let i = 0; i < 4; i++, rig.pass(periodMs)) await rig.put('s', records(1));
    const latest = await side.metrics('name=IncomingRecords');
    assert.deepEqual(
      latest.map(({ stream, shard, datapoints }) => [
        stream,
        shard,
        datapoints.map(({ timestampMs, sum }) => [timestampMs - periodStart, sum]),
      ]),
      [
        ['s', undefined, [[3_000, 1]]],
        ['s', shard0, [[3_000, 1]]],
        ['t', undefined, [[0, 2]]],
        ['t', shard0, [[0, 2]]],
      ],
    );
    const span = await side.metrics(`stream=s&shard=${shard0}&name=IncomingRecords&from=${periodStart + 1_000}&to=${periodStart + 3_000}`);
    assert.deepEqual(
      span.map(({ datapoints }) => datapoints.map(({ timestampMs }) => timestampMs - periodStart)),
      [[1_000, 2_000]],
    );
  });

  it('are kept for 3 hours, and for 600 periods', () => {
    const clock = new Clock(() => startMs);
    const kept = (metrics: Metrics) => metrics.query({ names: ['PutRecord.Success'] })[0]?.datapoints.length;
    const [bySecond, byHour] = [new Metrics(clock, 1_000), new Metrics(clock, 3_600_000)];
    for (let i = 0; i < 605; i++, clock.advance(1_000)) bySecond.put('PutRecord', 's', new PutTally(), 0);
    for (let i = 0; i < 5; i++, clock.advance(3_600_000)) byHour.put('PutRecord', 's', new PutTally(), 0);
    assert.deepEqual([kept(bySecond), kept(byHour)], [undefined, 2]);
    const seconds = new Metrics(clock, 1_000);
    for (let i = 0; i < 605; i++, clock.advance(1_000)) seconds.put('PutRecord', 's', new PutTally(), 0);
    assert.equal(kept(seconds), 600);
    clock.advance(3 * 3_600_000 - 300_000);
    assert.equal(kept(seconds), 299);
  });

  it('answer no more at once than a query may hold, without building it', () => {
    const clock = new Clock(() => startMs);
    const metrics = new Metrics(clock, 1_000);
    for (let second = 0; second < 110; second++, clock.advance(1_000)) {
      for (let i = 0; i < 320; i++) metrics.put('PutRecord', `stream-${i}`, new PutTally(), 0);
    }
    const span = { fromMs: startMs };
    assert.throws(() => metrics.query(span), TooManyDatapoints);
    const answer = answerSide('GET', `/_local/metrics?from=${startMs}`, Buffer.alloc(0), { metrics, clock } as unknown as Service);
    assert.equal(answer.status, 400);
    assert.match(answer.body.toString(), /asks for more than 100800 datapoints; narrow it down by stream,/);
    assert.equal(metrics.query({ ...span, names: ['PutRecord.Success'] }).length, 320);
    assert.equal(metrics.query({ latest: true }).length, 320 * 3);
  });

  it('forget what was silent the longest once there are too many streams', () => {
    const clock = new Clock(() => startMs);
    const metrics = new Metrics(clock);
    for (let i = 0; i < 5_000; i++) {
      if (i === 4_000) clock.advance(60_000);
      metrics.put('PutRecord', `stream-${i}`, new PutTally(), 0);
      if (i % 1_000 === 0) metrics.put('PutRecord', 'busy', new PutTally(), 0);
    }
    const streams = new Set(metrics.query({}).map(({ stream }) => stream));
    assert.equal(streams.size, 4_096);
    assert.ok(streams.has('busy') && streams.has('stream-4999') && !streams.has('stream-0'));
  });

  it('have a period of a second to an hour', () => {
    for (const wrong of [0, 999, 3_600_001, 1_000.5, Number.NaN]) assert.throws(() => new Metrics(new Clock(), wrong), RangeError);
  });
});
