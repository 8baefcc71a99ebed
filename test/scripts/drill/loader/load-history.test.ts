import assert from 'node:assert/strict';
import { LoadHistory } from '../../../../scripts/drill/loader/load-history.ts';
import { type Position, position } from '../../../../services/lib/kcl/position.ts';

const at = (n: number): Position => position(String(n));
const heads = (...of: (readonly [string, number])[]): Map<string, Position> => new Map(of.map(([shard, n]) => [shard, at(n)]));

describe('what was seen of heads and warehouse', () => {
  it('tells the longest pause of a head, of the slowest shard, to the edges of the time that is asked for', () => {
    const history = new LoadHistory();
    history.sawHeads(heads(['a', 1], ['b', 1]), 1_000);
    history.sawHeads(heads(['a', 2], ['b', 1]), 3_000);
    history.sawHeads(heads(['a', 2], ['b', 2]), 6_000);
    history.sawHeads(heads(['a', 3], ['b', 3]), 7_000);
    assert.equal(history.longestPause(['a'], 1_000, 7_500), 4_000);
    assert.equal(history.longestPause(['a', 'b'], 1_000, 7_500), 5_000);
    assert.equal(history.longestPause(['a'], 2_000, 20_000), 13_000, 'to the end');
    assert.equal(history.longestPause(['never seen'], 2_000, 20_000), 18_000);
    assert.equal(history.longestPause([], 0, 1), 0);
  });

  it('names the shards whose watermark lies before a head, and those without one', () => {
    const history = new LoadHistory();
    const registered = heads(['a', 5], ['b', 5], ['c', 5]);
    history.sawWarehouse(heads(['a', 5], ['b', 4]), []);
    assert.deepEqual(history.uncommitted(registered), ['b', 'c']);
    history.sawWarehouse(heads(['a', 6], ['b', 5], ['c', 5]), []);
    assert.deepEqual(history.uncommitted(registered), []);
  });

  it('takes events that came after a moment for a sign of life, and the oldest of a file for its freshness', () => {
    const history = new LoadHistory();
    const file = (loadedAt: number, oldestArrival: number, newestArrival: number) => ({
      shardId: 'a',
      loadedAt,
      oldestArrival,
      newestArrival,
    });
    history.sawWarehouse(new Map(), [file(10_000, 6_000, 9_000)]);
    history.sawWarehouse(new Map(), [file(30_000, 9_100, 21_000), file(32_000, 29_000, 31_000)]);
    assert.equal(history.firstAfter('a', 20_000), 30_000);
    assert.equal(history.firstAfter('a', 31_000), undefined);
    assert.equal(history.firstAfter('b', 0), undefined);
    assert.equal(history.lastFreshness('a'), 3_000);
    assert.equal(history.lastFreshness('b'), undefined);
    assert.deepEqual(history.freshness(0, 31_000), { p50: 4_000, p95: 20_900, p99: 20_900 });
  });
});
