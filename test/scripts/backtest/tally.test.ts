import assert from 'node:assert/strict';
import fc from 'fast-check';
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

  it('gives a new name the place and the count of a rarest one, whatever came before', () => {
    const names = fc.array(fc.integer({ min: 0, max: 8 }).map(String), { maxLength: 60 });
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 6 }), (series, capacity) => {
        const tally = new TopTally(capacity);
        for (const [i, name] of series.entries()) {
          const before = tally.top(capacity);
          tally.add(name);
          const known = before.find((entry) => entry.name === name);
          const gone = before.filter((entry) => tally.top(capacity).every((left) => left.name !== entry.name));
          const isFull = known === undefined && before.length === capacity;
          assert.deepEqual(
            gone.map(({ count }) => count),
            isFull ? [before.at(-1)?.count] : [],
          );
          assert.equal(tally.top(capacity).find((entry) => entry.name === name)?.count, (known?.count ?? gone[0]?.count ?? 0) + 1);
          const total = tally.top(capacity).reduce((sum, { count }) => sum + count, 0);
          assert.equal(total, i + 1, 'the counts add up to the series');
        }
      }),
    );
  });
});
