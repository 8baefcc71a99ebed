import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sum } from '../../../../services/lib/windows/aggregates/sum.ts';
import { HoppingWindows } from '../../../../services/lib/windows/assigners/hopping.ts';
import { SlicedWindowOperator } from '../../../../services/lib/windows/operators/sliced-window-operator.ts';
import { HoppingSlices } from '../../../../services/lib/windows/slices/hopping-slices.ts';
import { maxTime } from '../../../../services/lib/windows/time.ts';
import { WindowError } from '../../../../services/lib/windows/window-error.ts';

const shapes = fc
  .record({ size: fc.integer({ min: 1, max: 30 }), slide: fc.integer({ min: 1, max: 30 }), shift: fc.integer() })
  .map(({ size, slide, shift }) => ({ size, slide, offset: shift % slide }));

describe('slices of hopping windows', () => {
  it('lie whole in a window or whole outside it, and make it up', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: -100, max: 100 }), (shape, time) => {
        const slices = new HoppingSlices(shape);
        const windows = new HoppingWindows(shape);
        for (const { start, end } of windows.assign(time)) {
          const ends = slices.slicesOf(end);
          for (let each = start; each < end; each++) assert.ok(ends.includes(slices.sliceEnd(each) ?? Number.NaN), `${each}`);
          for (const outside of [start - 1, end]) assert.ok(!ends.includes(slices.sliceEnd(outside) ?? Number.NaN), `${outside}`);
          assert.deepEqual(
            ends,
            [...ends].sort((a, b) => b - a),
          );
        }
      }),
    );
  });

  it('know their first and last window, and are free once that has fired', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: -100, max: 100 }), (shape, time) => {
        const slices = new HoppingSlices(shape);
        const windows = new HoppingWindows(shape).assign(time);
        const slice = slices.sliceEnd(time);
        if (slice === undefined) {
          assert.deepEqual(windows, []);
          return;
        }
        assert.equal(slices.firstWindowEnd(slice), windows[0]?.end);
        assert.equal(slices.lastWindowEnd(slice), windows.at(-1)?.end);
        for (const { end } of windows) assert.equal(slices.expiredBy(end).includes(slice), end === windows.at(-1)?.end);
      }),
    );
  });

  it('are at most two a slide where the size is no multiple of it, unless as in Flink SQL that is rejected', () => {
    assert.deepEqual(new HoppingSlices({ size: 5, slide: 2 }).slicesOf(5), [5, 4, 3, 2, 1]);
    assert.deepEqual(new HoppingSlices({ size: 7, slide: 5 }).slicesOf(7), [7, 5, 2]);
    assert.throws(() => new HoppingSlices({ size: 5, slide: 2, uneven: 'rejected' }), /size must be a multiple of slide, got 5 and 2/);
  });

  it('have a limit on the slices of one window', () => {
    assert.throws(() => new HoppingSlices({ size: 100_001, slide: 1 }), /more than 100000 slices/);
    assert.doesNotThrow(() => new HoppingSlices({ size: 100_000, slide: 1 }));
  });
});

describe('the sliced operator', () => {
  it('keeps one accumulator per slice, not per window', () => {
    const operator = new SlicedWindowOperator({ slices: new HoppingSlices({ size: 600, slide: 10 }), aggregate: sum });
    for (let time = 0; time < 600; time++) operator.process({ key: 'k', timestamp: time, value: 1 });
    assert.deepEqual(operator.size, { keys: 1, slices: 60 });
  });

  it('refuses a record whose windows would not end within time, and is as it was', () => {
    const operator = new SlicedWindowOperator({ slices: new HoppingSlices({ size: 10, slide: 5 }), aggregate: sum });
    for (const timestamp of [maxTime - 15, -maxTime + 15, 0.5, Number.NaN]) {
      assert.throws(
        () => operator.process({ key: 'k', timestamp, value: 1 }),
        (error: unknown) => error instanceof WindowError && error.code === 'RECORD_INVALID',
      );
    }
    assert.deepEqual(operator.size, { keys: 0, slices: 0 });
    for (const timestamp of [maxTime - 16, -maxTime + 16])
      assert.equal(operator.process({ key: 'k', timestamp, value: 1 }).outcome, 'used');
  });
});
