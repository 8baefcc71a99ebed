import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { Pace } from '../../../../../scripts/local/kinesis/store/consumer-pace.ts';
import { startMs } from '../rig.ts';
import { BareStream } from './bare-subscription.ts';

const perSecond = 2_097_152;
const maxRecord = 1_048_576;

/** Sends all of `sizes`, each as soon as it may go or up to `lateMs` later; answers when each went. */
function send(sizes: readonly number[], lateMs: number): { atMs: number; bytes: number }[] {
  const pace = new Pace();
  let nowMs = startMs;
  return sizes.map((bytes, i) => {
    while (pace.allowance(nowMs) <= 0) nowMs = pace.nextMs(nowMs) + ((i * 7) % (lateMs + 1));
    pace.charge(nowMs, bytes);
    return { atMs: nowMs, bytes };
  });
}

describe('the pace of a subscription', () => {
  it('is 2 MiB/s over time, whatever the records and the timers, with one record too much at a time', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: maxRecord }), { minLength: 20, maxLength: 60 });
    fc.assert(
      fc.property(sizes, fc.nat(60), (given, lateMs) => {
        const sent = send(given, lateMs);
        for (const { atMs } of sent) {
          const bytes = sent.filter((other) => other.atMs >= atMs && other.atMs < atMs + 800).reduce((sum, one) => sum + one.bytes, 0);
          assert.ok(bytes <= perSecond + maxRecord, `${bytes} bytes from ${atMs} on`);
        }
        const total = given.reduce((sum, bytes) => sum + bytes, 0);
        const elapsedMs = (sent.at(-1)?.atMs ?? 0) - startMs;
        // A second's worth goes at once, the last record before it is paid for, and what went at one time comes back at one time.
        const dueMs = ((total - perSecond - (given.at(-1) ?? 0)) / perSecond) * 1_000;
        assert.ok(elapsedMs >= dueMs - 1, `${elapsedMs} ms are too few for ${total} bytes`);
        assert.ok(elapsedMs <= dueMs + 1_000 + lateMs, `${elapsedMs} ms are too many for ${total} bytes`);
      }),
    );
  });
});

describe('SubscribeToShard with limits', () => {
  for (const bytes of [2_047, 40_959, 102_399]) {
    it(`pushes 2 MiB in each second of a backlog of records of ${bytes + 1} bytes, after a pause too`, async () => {
      const stream = new BareStream(true);
      const count = Math.round((perSecond * 3) / (bytes + 1));
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < count; i++) stream.append('x', bytes);
        const beganMs = stream.clock.now();
        const reader = stream.subscribe(round === 0 ? 0 : stream.stream.nextCounter - count);
        await stream.pass(3_000, 25);
        for (let second = 0; second < 3; second++) {
          const from = beganMs + second * 1_000;
          const pushed = reader.pushed.filter(({ atMs }) => atMs >= from && atMs < from + 1_000).reduce((sum, one) => sum + one.bytes, 0);
          assert.ok(Math.abs(pushed / perSecond - 1) < 0.02 + bytes / perSecond, `second ${second}: ${pushed}`);
        }
        await stream.pass(5_000, 1_000);
      }
    });
  }

  it('tells how far behind its reader is, and 0 at the tip', async () => {
    const stream = new BareStream(true);
    for (let i = 0; i < 5; i++) stream.append(`${i}`, 1_048_575);
    const reader = stream.subscribe(0);
    await stream.pass(3_000, 50);
    assert.deepEqual(
      reader.pushed.map(({ texts, millisBehind }) => [texts.length, millisBehind]),
      [
        [1, 1],
        [1, 1],
        [1, 1_000],
        [1, 1_000],
        [1, 0],
      ],
    );
  });
});

describe('SubscribeToShard without limits', () => {
  it('pushes a backlog as fast as it is taken, in events of at most 1 MiB', () => {
    const stream = new BareStream(false);
    for (let i = 0; i < 60; i++) stream.append('x', 102_399);
    const reader = stream.subscribe(0);
    assert.equal(
      reader.pushed.reduce((sum, { texts }) => sum + texts.length, 0),
      60,
    );
    assert.ok(Math.max(...reader.pushed.map(({ bytes }) => bytes)) <= 1_048_576);
  });

  it('makes one event of appends that come together', async () => {
    const stream = new BareStream(false);
    const reader = stream.subscribe(0);
    for (let i = 0; i < 500; i++) stream.append(`${i}`);
    await turn();
    assert.deepEqual(
      reader.pushed.map(({ texts }) => texts.length),
      [0, 500],
    );
  });

  it('queues one event at most for a reader that is slow, and goes on when it has taken it', async () => {
    const stream = new BareStream(false);
    for (let i = 0; i < 12; i++) stream.append(`${i}`, 1_048_575);
    const reader = stream.subscribe(0, true);
    const begun = performance.now();
    while (reader.pushed.flatMap(({ texts }) => texts).length < 12 && performance.now() - begun < 5_000) {
      await turn();
      reader.take();
    }
    assert.deepEqual(
      reader.pushed.flatMap(({ texts }) => texts.map((text) => Number.parseInt(text, 10))),
      Array.from({ length: 12 }, (_, i) => i),
    );
    assert.ok(reader.maxQueued < 1.4 * 1_048_576 + 1_000, `${reader.maxQueued} bytes were queued`);
  });

  it('gives a reader that does not read 10 s after the end to fetch what is queued', () => {
    const stream = new BareStream(false);
    const reader = stream.subscribe(0, true);
    stream.clock.advance(300_000);
    stream.clock.advance(9_999);
    assert.equal(reader.destroyed, false);
    stream.clock.advance(1);
    assert.equal(reader.destroyed, true);
  });
});
