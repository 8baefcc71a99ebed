import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { MergedMetrics } from '../../../../services/lib/process/metrics-merge.ts';

const silent = (): void => {};

describe('merged metrics', () => {
  it('sum counters over processes and keep what an ended one counted', () => {
    const merged = new MergedMetrics(silent);
    const [first, second] = [new Metrics(), new Metrics()];
    first.count('seen', 3, { reason: 'a' });
    second.count('seen', 4, { reason: 'a' });
    merged.report('child-1', first.drain());
    merged.report('child-2', second.drain());
    assert.deepEqual(merged.read().counters, [{ name: 'seen', labels: { reason: 'a' }, value: 7 }]);
    merged.end('child-1');
    const successor = new Metrics();
    successor.count('seen', 1, { reason: 'a' });
    merged.report('child-3', successor.drain());
    assert.deepEqual(merged.read().counters, [{ name: 'seen', labels: { reason: 'a' }, value: 8 }]);
  });

  it('never fall, and lose nothing, through any sequence of reports and restarts', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ child: fc.nat(2), by: fc.nat(9), restart: fc.boolean() })), (steps) => {
        const merged = new MergedMetrics(silent);
        const lives = [0, 1, 2].map((child) => ({ name: `${child}-0`, life: 0, metrics: new Metrics() }));
        let total = 0;
        for (const { child, by, restart } of steps) {
          const life = lives[child]!;
          life.metrics.count('seen', by);
          total += by;
          merged.report(life.name, life.metrics.drain());
          if (restart) {
            merged.end(life.name);
            life.life += 1;
            life.name = `${child}-${life.life}`;
            life.metrics = new Metrics();
          }
          assert.equal(
            merged.read().counters.reduce((sum, { value }) => sum + value, 0),
            total,
          );
        }
      }),
    );
  });

  it('drop the gauges of an ended process, and show the larger of two', () => {
    const merged = new MergedMetrics(silent);
    const [first, second] = [new Metrics(), new Metrics()];
    first.gauge('behind', 5, { shard: 's1' });
    second.gauge('behind', 9, { shard: 's1' });
    merged.report('1', first.drain());
    merged.report('2', second.drain());
    assert.deepEqual(merged.read().gauges, [{ name: 'behind', labels: { shard: 's1' }, value: 9 }]);
    merged.end('2');
    assert.deepEqual(merged.read().gauges, [{ name: 'behind', labels: { shard: 's1' }, value: 5 }]);
    merged.end('1');
    assert.deepEqual(merged.read().gauges, []);
  });

  it('pass every timing on once', () => {
    const seen: number[] = [];
    const merged = new MergedMetrics((_name, _labels, ms) => void seen.push(ms));
    const metrics = new Metrics();
    metrics.timing('put', 1);
    metrics.timing('put', 2);
    merged.report('1', metrics.drain());
    merged.report('1', metrics.drain());
    assert.deepEqual(seen, [1, 2]);
  });
});
