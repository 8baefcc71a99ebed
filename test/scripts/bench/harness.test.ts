import assert from 'node:assert/strict';
import { type Figure, isMet, median, resultLine, table } from '../../../scripts/bench/harness/bench.ts';

const figures: readonly Figure[] = [
  { name: 'rate', label: 'rate', value: 123_456.789, unit: 'records/s' },
  { name: 'ratio', label: 'ratio to a peer', value: 0.399_96, unit: '', atLeast: 0.4 },
];

describe('figures of a bench', () => {
  it('are judged by their bar, as measured and not as rounded', () => {
    assert.deepEqual(figures.map(isMet), [true, false]);
    assert.equal(isMet({ name: 'n', label: 'l', unit: '', value: Number.NaN, atLeast: 0.4 }), false);
    const growth = { name: 'g', label: 'growth', unit: '', atMost: 60 };
    assert.deepEqual([isMet({ ...growth, value: 60 }), isMet({ ...growth, value: 60.001 })], [true, false]);
    assert.match(table([{ ...growth, value: 61, atLeast: 1 }]), /NOT MET, at least 1, at most 60$/);
    assert.deepEqual(JSON.parse(resultLine(figures)), { type: 'result', ok: false, rate: 123_456.789, ratio: 0.4 });
  });

  it('are a table for people', () => {
    assert.equal(table(figures), 'rate             123,457 records/s\nratio to a peer     0.40            NOT MET, at least 0.4');
  });

  it('are summed up by their median', () => {
    assert.equal(median([30, 1, 2]), 2);
  });
});
