import assert from 'node:assert/strict';
import fc from 'fast-check';
import { maxTime, minTime } from '../../../../services/lib/windows/time.ts';
import { BoundedDisorder, fromBeamWatermark } from '../../../../services/lib/windows/watermarks/bounded-disorder.ts';
import { IdleTimer } from '../../../../services/lib/windows/watermarks/idle-timer.ts';
import { WatermarkValve } from '../../../../services/lib/windows/watermarks/valve.ts';

describe('a watermark of bounded disorder', () => {
  it('is right behind the newest record less the disorder, and never goes back', () => {
    const generator = new BoundedDisorder(10);
    assert.equal(generator.newest, undefined);
    assert.deepEqual(
      [100, 95, 111].map((time) => generator.observe(time)),
      [89, 89, 100],
    );
    assert.equal(generator.newest, 111);
  });

  it('does not wrap at the extremes of time', () => {
    assert.equal(new BoundedDisorder(maxTime - 1).observe(minTime + 1), minTime);
    assert.equal(fromBeamWatermark(minTime), minTime);
  });

  it('takes no time that is none', () => {
    for (const time of [Number.NaN, 0.5, maxTime, minTime]) assert.throws(() => new BoundedDisorder(0).observe(time), /whole number/);
  });
});

describe('an idle timer', () => {
  it('counts from the first quiet probe, and is idle when strictly more than the timeout has passed', () => {
    const timer = new IdleTimer(10);
    assert.deepEqual(
      [0, 10, 11].map((now) => timer.probe(now)),
      [false, false, true],
    );
    timer.activity();
    assert.deepEqual(
      [20, 25, 35, 36].map((now) => timer.probe(now)),
      [false, false, false, true],
    );
  });
});

describe('the valve of several inputs', () => {
  it('is not held back by an input that comes back behind the others, until that has caught up', () => {
    const valve = new WatermarkValve(2);
    assert.deepEqual([valve.advance(0, 5), valve.markIdle(1)], [{}, { watermark: 5 }]);
    assert.deepEqual([valve.advance(0, 20), valve.markActive(1)], [{ watermark: 20 }, {}]);
    assert.deepEqual([valve.advance(1, 10), valve.advance(0, 30)], [{}, { watermark: 30 }]);
    assert.deepEqual([valve.advance(1, 30), valve.advance(0, 40), valve.advance(1, 35)], [{}, {}, { watermark: 35 }]);
  });

  it('is held back by an input that comes back exactly where the others are', () => {
    const valve = new WatermarkValve(2);
    valve.advance(0, 10);
    valve.advance(1, 10);
    valve.markIdle(1);
    valve.markActive(1);
    assert.deepEqual([valve.advance(0, 20), valve.advance(1, 15)], [{}, { watermark: 15 }]);
  });

  it('says all it knows when the last input becomes idle', () => {
    const valve = new WatermarkValve(2);
    valve.advance(0, 10);
    valve.advance(1, 20);
    assert.deepEqual(valve.markIdle(1), {});
    assert.deepEqual(valve.markIdle(0), { watermark: 20, status: 'IDLE' });
    assert.deepEqual(valve.markActive(0), { status: 'ACTIVE' });
  });

  it('is the lowest of its inputs while all are active', () => {
    const input = fc.tuple(fc.nat(2), fc.integer({ min: -20, max: 20 }));
    fc.assert(
      fc.property(fc.array(input, { maxLength: 30 }), (inputs) => {
        const valve = new WatermarkValve(3);
        const newest = [minTime, minTime, minTime];
        for (const [i, watermark] of inputs) {
          const before = Math.min(...newest);
          newest[i] = Math.max(newest[i] ?? minTime, watermark);
          const now = Math.min(...newest);
          assert.deepEqual(valve.advance(i, watermark), now > before ? { watermark: now } : {});
          assert.equal(valve.watermark, now);
        }
      }),
    );
  });

  it('knows its inputs', () => {
    assert.throws(() => new WatermarkValve(0), /at least 1/);
    assert.throws(() => new WatermarkValve(100_001), /at most 100000 inputs/);
    assert.doesNotThrow(() => new WatermarkValve(100_000));
    assert.throws(() => new WatermarkValve(2).advance(2, 1), /there is no input 2, only 2/);
  });

  it('refuses a watermark that is no whole number, and goes on', () => {
    const valve = new WatermarkValve(2);
    valve.advance(0, 5);
    for (const watermark of [Number.NaN, 0.5, Number.POSITIVE_INFINITY]) {
      assert.throws(() => valve.advance(1, watermark), { code: 'PARAMETER_INVALID' });
    }
    assert.deepEqual(valve.advance(1, 3), { watermark: 3 });
  });
});
