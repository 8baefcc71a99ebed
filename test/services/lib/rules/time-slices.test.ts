import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TimeSlices } from '../../../../services/lib/rules/time-slices.ts';

describe('time slices', () => {
  it('drop the oldest slices, whole, until no more than the bound is left', () => {
    const slices = new TimeSlices(640); // 10 ms a slice
    for (const time of [5, 9, 10, 19, 20, 31]) slices.add(time, 1);
    assert.equal(slices.limit(6), undefined);
    assert.deepEqual(slices.limit(5), { dropped: 2, floor: 10 });
    assert.deepEqual(slices.limit(1), { dropped: 3, floor: 30 });
    assert.equal(slices.limit(1), undefined);
    slices.add(25, 1);
    assert.equal(slices.limit(1), undefined, 'what lies before the floor does not count');
  });

  it('drop all that lie in one slice at once if that alone is too much', () => {
    const slices = new TimeSlices(0);
    for (let i = 0; i < 5; i++) slices.add(-3, 1);
    assert.deepEqual(slices.limit(4), { dropped: 5, floor: -2 });
  });

  it('count nothing that time has passed, whether it came before or after that', () => {
    const change = fc.record({ time: fc.integer({ min: 0, max: 200 }), pass: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change), fc.nat({ max: 20 }), (changes, max) => {
        const slices = new TimeSlices(640);
        const times: number[] = [];
        let passed = -1;
        for (const { time, pass } of changes) {
          if (pass) {
            slices.pass(time);
            passed = Math.max(passed, Math.floor(time / 10));
          } else {
            slices.add(time, 1);
            times.push(time);
          }
        }
        const left = times.filter((time) => Math.floor(time / 10) > passed);
        const limited = slices.limit(max);
        assert.equal(limited === undefined, left.length <= max);
        if (limited === undefined) return;
        assert.equal(limited.dropped, left.filter((time) => time < limited.floor).length);
        assert.ok(left.length - limited.dropped <= max);
        const oneSliceLess = left.filter((time) => time >= limited.floor - 10).length;
        assert.ok(oneSliceLess > max, 'no slice more than needed');
      }),
    );
  });
});
