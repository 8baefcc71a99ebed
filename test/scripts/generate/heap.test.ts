import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Heap } from '../../../scripts/generate/heap.ts';

describe('heap', () => {
  it('gives back what a stable sort would', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (keys) => {
        const heap = new Heap<number>();
        for (const [i, key] of keys.entries()) heap.push(key, i);
        const popped: (number | undefined)[] = [];
        while (heap.size > 0) popped.push(heap.pop());
        const sorted = keys.map((key, i) => ({ key, i })).sort((a, b) => a.key - b.key);
        assert.deepEqual(
          popped,
          sorted.map(({ i }) => i),
        );
        assert.equal(heap.firstKey, Number.POSITIVE_INFINITY);
        assert.equal(heap.pop(), undefined);
      }),
    );
  });
});
