import assert from 'node:assert/strict';
import { TopTally } from '../../../scripts/backtest/tally.ts';

describe('the top tally', () => {
  it('counts exactly while there is room, ties by name', () => {
    const tally = new TopTally(3);
    for (const name of ['c', 'a', 'b', 'a']) tally.add(name);
    assert.deepEqual(tally.top(2), [
      { name: 'a', count: 2 },
      { name: 'b', count: 1 },
    ]);
    assert.ok(tally.isExact);
  });

  it('never misses a frequent name among endless rare ones, and says that its counts are upper bounds', () => {
    const tally = new TopTally(10);
    for (let i = 0; i < 2_000; i++) {
      tally.add(`rare-${i}`);
      if (i % 4 === 0) tally.add('often');
    }
    const [first] = tally.top(1);
    assert.ok(!tally.isExact);
    assert.equal(first?.name, 'often');
    assert.ok(first.count >= 500);
  });
});
