import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../../../services/lib/kcl/processor.ts';
import { hashKeyOf } from '../../../../services/lib/kcl/shards.ts';
import { initialize, partitionKey, processRecords, startSession } from './fake-daemon.ts';

describe('a shard session', () => {
  it('initializes with the shard and where KCL resumes', async () => {
    let seen: [string, Position] | undefined;
    const daemon = startSession({ initialize: async (shard, checkpoint) => void (seen = [shard.shardId, checkpoint]) });
    daemon.send(initialize);
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'initialize' });
    assert.deepEqual(seen, ['shardId-000000000003', position('100', 2)]);
    assert.deepEqual(daemon.events, ['shard shardId-000000000003']);
    daemon.close();
  });

  it('takes the sentinels of a shard that was never checkpointed for its beginning', async () => {
    for (const sequenceNumber of ['TRIM_HORIZON', 'LATEST', null]) {
      let seen: Position | undefined;
      const daemon = startSession({ initialize: async (_, checkpoint) => void (seen = checkpoint) });
      daemon.send({ ...initialize, sequenceNumber, subSequenceNumber: 0 });
      await daemon.next();
      assert.equal(seen, trimHorizon);
      daemon.close();
    }
  });

  it('hands records over decoded, with their position and arrival', async () => {
    let seen: readonly StreamRecord[] = [];
    const daemon = startSession({ processRecords: async ({ records }) => void (seen = records) });
    daemon.send(initialize);
    daemon.send(processRecords(['101', 0], ['102', 5]));
    await daemon.next();
    await daemon.next();
    assert.equal(seen.length, 2);
    assert.deepEqual(seen[1], {
      data: Buffer.from('data 102/5'),
      partitionKey: 'üser\u2028x',
      sequenceNumber: '102',
      subSequenceNumber: 5,
      position: position('102', 5),
      approximateArrivalTimestamp: 1_700_000_000_123,
    });
    assert.deepEqual(daemon.metrics.drain().gauges, [
      { name: 'millis_behind_latest', labels: { shard: 'shardId-000000000003' }, value: 42 },
    ]);
    daemon.close();
  });

  it('drops an aggregate that holds a record from outside the shard, whole, and counts its records; a plain record stays', async () => {
    let seen: readonly StreamRecord[] = [];
    const outside = hashKeyOf(partitionKey) + 1n;
    const range = { start: outside, end: 2n ** 128n - 1n };
    const daemon = startSession({ processRecords: async ({ records }) => void (seen = records) }, { range, closed: false });
    daemon.send(initialize);
    await daemon.next();
    daemon.send(processRecords(['101', 0], ['102', 0], ['102', 1], ['103', 7], ['104', 0]));
    await daemon.next();
    assert.deepEqual(
      seen.map((record) => record.sequenceNumber),
      ['101', '104'],
    );
    assert.deepEqual(daemon.metrics.drain().counters, [{ name: 'records_strayed', labels: {}, value: 3 }]);
    daemon.close();
  });

  it('keeps an aggregate whose records are all of the shard', async () => {
    let seen: readonly StreamRecord[] = [];
    const inside = hashKeyOf(partitionKey);
    const daemon = startSession(
      { processRecords: async ({ records }) => void (seen = records) },
      { range: { start: inside, end: inside }, closed: false },
    );
    daemon.send(initialize);
    await daemon.next();
    daemon.send(processRecords(['102', 0], ['102', 1]));
    await daemon.next();
    assert.equal(seen.length, 2);
    daemon.close();
  });

  it('answers a batch only after the processor is done, and once', async () => {
    let finish = (): void => {};
    const daemon = startSession({ processRecords: () => new Promise((resolve) => (finish = resolve)) });
    daemon.send(initialize);
    await daemon.next();
    daemon.send(processRecords(['101', 0]));
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(daemon.received.length, 0);
    finish();
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'processRecords' });
    for (let i = 0; i < 5; i++) await turn();
    assert.equal(daemon.received.length, 0);
    daemon.close();
  });

  it('checkpoints inside the action, before its answer', async () => {
    const daemon = startSession({
      async processRecords(_, checkpointer) {
        await checkpointer.at('101');
        void checkpointer.all(); // not awaited: still answered after it
      },
    });
    daemon.send(initialize);
    await daemon.next();
    daemon.send(processRecords(['101', 0], ['102', 1]));
    assert.deepEqual(await daemon.next(), { action: 'checkpoint', sequenceNumber: '101' });
    daemon.send({ action: 'checkpoint', sequenceNumber: '101', subSequenceNumber: null, error: null });
    assert.deepEqual(await daemon.next(), { action: 'checkpoint', sequenceNumber: null });
    assert.equal(daemon.received.length, 0);
    daemon.send({ action: 'checkpoint', sequenceNumber: null, subSequenceNumber: null, error: null });
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'processRecords' });
    daemon.close();
  });

  for (const [how, processRecordsOf] of [
    ['rejects', async () => Promise.reject(new Error('boom'))],
    [
      'throws at once',
      () => {
        throw new Error('boom');
      },
    ],
  ] as const) {
    it(`leaves the batch unanswered when the processor ${how}`, async () => {
      const daemon = startSession({ processRecords: processRecordsOf });
      daemon.send(initialize);
      await daemon.next();
      daemon.send(processRecords(['101', 0]));
      await daemon.waitFor(() => daemon.events.length === 2);
      assert.equal(daemon.events[1], 'failed processRecords: boom');
      assert.equal(daemon.received.length, 0);
      daemon.close();
    });
  }

  it('is done after the end of its shard was checkpointed and answered', async () => {
    const daemon = startSession({ shardEnded: async (checkpointer) => void (await checkpointer.all()) });
    daemon.send(initialize);
    await daemon.next();
    daemon.send({ action: 'shardEnded' });
    assert.deepEqual(await daemon.next(), { action: 'checkpoint', sequenceNumber: null });
    daemon.send({ action: 'checkpoint', sequenceNumber: null, error: null });
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'shardEnded' });
    assert.equal(daemon.events.at(-1), 'done shardEnded');
    daemon.close();
  });

  it('does not answer the end of a shard that could not be checkpointed: its children would wait for ever', async () => {
    const daemon = startSession({ shardEnded: async (checkpointer) => void (await checkpointer.all()) });
    daemon.send(initialize);
    await daemon.next();
    daemon.send({ action: 'shardEnded' });
    await daemon.next();
    daemon.send({ action: 'checkpoint', sequenceNumber: null, error: 'InvalidStateException' });
    await daemon.waitFor(() => daemon.events.length === 2);
    assert.match(daemon.events[1] ?? '', /^failed shardEnded/);
    assert.equal(daemon.received.length, 0);
    daemon.close();
  });

  it('answers the end of a shard whose lease another worker holds', async () => {
    const daemon = startSession({ shardEnded: async (checkpointer) => void (await checkpointer.all()) });
    daemon.send(initialize);
    await daemon.next();
    daemon.send({ action: 'shardEnded' });
    await daemon.next();
    daemon.send({ action: 'checkpoint', sequenceNumber: null, error: 'ShutdownException' });
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'shardEnded' });
    daemon.close();
  });

  for (const closed of [true, false]) {
    it(`${closed ? 'ends' : 'does not end'} a shard that the stream has ${closed ? 'closed' : 'open'}`, async () => {
      let ended = false;
      const range = { start: 0n, end: 2n ** 128n - 1n };
      const daemon = startSession({ shardEnded: async () => void (ended = true) }, { range, closed });
      daemon.send(initialize);
      await daemon.next();
      daemon.send({ action: 'shardEnded' });
      await daemon.waitFor(() => daemon.events.length === 2);
      assert.match(daemon.events[1] ?? '', closed ? /^done shardEnded/ : /^failed shardEnded: .*deregistered/);
      assert.equal(ended, closed);
      assert.equal(daemon.received.length, closed ? 1 : 0);
      daemon.close();
    });
  }

  it('is done after the lease was lost; a stop is only asked for', async () => {
    const daemon = startSession({});
    daemon.send(initialize);
    await daemon.next();
    daemon.send({ action: 'shutdownRequested' });
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'shutdownRequested' });
    assert.equal(daemon.events.length, 1);
    daemon.send({ action: 'leaseLost' });
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'leaseLost' });
    assert.equal(daemon.events.at(-1), 'done leaseLost');
    daemon.close();
  });

  it('survives an action it does not know', async () => {
    const daemon = startSession({});
    daemon.send({ action: 'dance' });
    daemon.send(initialize);
    assert.deepEqual(await daemon.next(), { action: 'status', responseFor: 'initialize' });
    assert.match(daemon.events[0] ?? '', /^complaint .*dance/);
    daemon.close();
  });

  it('reads a batch of many megabytes in one line', async () => {
    let bytes = 0;
    const daemon = startSession({
      processRecords: async ({ records }) => void (bytes = records.reduce((sum, r) => sum + r.data.length, 0)),
    });
    daemon.send(initialize);
    await daemon.next();
    const data = Buffer.alloc(8 * 1024 * 1024, 7).toString('base64');
    daemon.send({ ...processRecords(), records: [{ data, partitionKey: 'k', sequenceNumber: '101' }] });
    await daemon.next();
    assert.equal(bytes, 8 * 1024 * 1024);
    daemon.close();
  });
});
