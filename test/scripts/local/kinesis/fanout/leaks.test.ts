import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects } from 'node:v8';
import { DeregisterStreamConsumerCommand } from '@aws-sdk/client-kinesis';
import { Subscription } from '../../../../../scripts/local/kinesis/fanout/subscription.ts';
import { type Transport, transports } from '../rig.ts';
import { type BareReader, BareStream } from './bare-subscription.ts';
import { FanoutRig } from './fanout-rig.ts';

const alive = (): number => queryObjects(Subscription, { format: 'count' });

const gone = (others: number) =>
  until(
    () => alive() <= others,
    () => `${alive() - others} subscriptions are still there`,
  );

async function until(what: () => boolean, problem: () => string): Promise<void> {
  const begun = performance.now();
  while (!what()) {
    assert.ok(performance.now() - begun < 8_000, problem());
    await turn();
  }
}

/** A frame of its own, so that nothing in the caller's refers to what was there. */
async function comeAndGo(go: (stream: BareStream, reader: BareReader) => void, isSlow: boolean, limits: boolean): Promise<void> {
  const stream = new BareStream(limits, 1_200_000);
  const { pending } = stream.clock;
  const reader = stream.subscribe(0, isSlow);
  stream.append('x');
  await turn();
  go(stream, reader);
  await turn();
  if (isSlow) stream.clock.advance(10_000);
  await turn();
  assert.equal(stream.shard.watchers.size, 0);
  assert.equal(stream.service.subscriptions.size, 0);
  assert.equal(stream.clock.pending, pending);
}

describe('SubscribeToShard, 200 subscriptions that came and went', () => {
  const ways: Readonly<Record<string, (stream: BareStream, reader: BareReader) => void>> = {
    'because the reader left': (_, reader) => void reader.destroy(),
    'because the connection broke': (_, reader) => void reader.destroy(new Error('broken')),
    'at the end of their time': (stream) => void stream.clock.advance(300_000),
    'because another took over': (stream) => void stream.subscribe(stream.stream.nextCounter).destroy(),
    'with their consumer': (stream) => void stream.consumer.delete(stream.clock.now()),
    'with their stream': (stream) => void stream.stream.consumers.release(),
    'at the end of the shard': (stream) => void stream.stream.split(stream.shard, stream.shard.range.start + 1n, stream.clock.now()),
  };
  let others = 0;
  before(() => {
    others = alive();
  });
  // Once for all, since it costs a collection of the heap.
  after(() => gone(others));

  for (const [way, go] of Object.entries(ways)) {
    it(`${way} leave nothing behind, whether the reader kept up or not`, async () => {
      for (let i = 0; i < 200; i++) await comeAndGo(go, i % 2 === 0, i % 4 < 2);
    });
  }
});

/** A caller that never reads what it is sent, and its way of breaking off. */
async function deaf(rig: FanoutRig, transport: Transport): Promise<() => void> {
  const body = JSON.stringify({ ConsumerARN: rig.consumerArn, ShardId: rig.shardId, StartingPosition: { Type: 'TRIM_HORIZON' } });
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'Kinesis_20131202.SubscribeToShard' };
  return new Promise((resolve, reject) => {
    if (transport === 'http1') {
      const sent = request(rig.server.endpoint, { method: 'POST', headers }, (response) => resolve(() => void response.destroy()));
      sent.on('error', reject).end(body);
    } else {
      const session = connect(rig.server.endpoint).on('error', reject);
      const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
      stream.on('response', () => resolve(() => void session.destroy())).end(body);
    }
  });
}

for (const transport of transports) {
  describe(`Local Kinesis, subscriptions that came and went over ${transport}`, () => {
    let rig: FanoutRig;
    let idle = 0;
    let others = 0;
    before(() => {
      others = alive();
    });
    after(() => gone(others));
    beforeEach(async () => {
      rig = await FanoutRig.open({ transport, limits: false });
      idle = rig.clock.pending;
    });
    afterEach(() => rig.stop());

    it('leave nothing behind when the reader left, read or not', async () => {
      await rig.put('s', [{ key: 'k', data: Buffer.alloc(1_000_000) }]);
      for (let i = 0; i < 8; i++) {
        const reader = await rig.subscribe({ Type: 'TRIM_HORIZON' });
        if (i % 2 === 0) await reader.next();
        await reader.leave();
        rig.pass(5_000);
        const breakOff = await deaf(rig, transport);
        breakOff();
        rig.pass(5_000);
      }
      await until(
        () => rig.clock.pending === idle,
        () => `${rig.clock.pending - idle} entries of the clock are still there`,
      );
    });

    it('leave nothing behind when they ended: in time, taken over, with their consumer', async () => {
      for (let i = 0; i < 5; i++) {
        const first = await rig.subscribe({ Type: 'LATEST' });
        rig.pass(5_000);
        const second = await rig.subscribe({ Type: 'LATEST' });
        await assert.rejects(first.rest());
        rig.pass(300_000);
        await second.rest();
        const third = await rig.subscribe({ Type: 'LATEST' });
        await rig.client.send(new DeregisterStreamConsumerCommand({ ConsumerARN: rig.consumerArn }));
        await assert.rejects(third.rest());
        rig.consumerArn = await rig.register('reader');
      }
      await until(
        () => rig.clock.pending === idle,
        () => `${rig.clock.pending - idle} entries of the clock are still there`,
      );
    });

    it('let the server close in half a second although nobody reads', async () => {
      await rig.put('s', [{ key: 'k', data: Buffer.alloc(1_000_000) }]);
      for (let i = 0; i < 5; i++) {
        await deaf(rig, transport);
        await rig.subscribe({ Type: 'LATEST' }, rig.shardId, await rig.register(`c${i}`));
        rig.pass(5_000);
      }
      const begun = performance.now();
      await rig.server.close();
      assert.ok(performance.now() - begun < 2_000, `closing took ${performance.now() - begun} ms`);
    });
  });
}
