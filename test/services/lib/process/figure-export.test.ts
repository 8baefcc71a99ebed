import assert from 'node:assert/strict';
import { EmfWriter } from '../../../../services/lib/process/emf.ts';
import { FigureExport } from '../../../../services/lib/process/figure-export.ts';
import { Metrics, type MetricsSnapshot } from '../../../../services/lib/process/metrics.ts';

const sample = (name: string, value: number, labels: Record<string, string> = {}) => ({ name, labels, value });

describe('figures for Prometheus', () => {
  it('hold those of the launcher and of its children, under their plain names', async () => {
    const own = new Metrics();
    own.count('daemon_restarts');
    const figures = new FigureExport('router', own);
    const child = new Metrics();
    child.count('events_dropped', 2, { reason: 'no-op' });
    child.count('events_dropped', 3, { reason: 'say "x"' });
    child.gauge('millis_behind_latest', 7, { shard: 's' });
    child.timing('put', 30);
    child.timing('commit_ms', 8);
    figures.report('child-1', child.drain());
    const lines = (await figures.prometheus()).split('\n');
    for (const line of [
      'daemon_restarts 1',
      'events_dropped{reason="no-op"} 2',
      'events_dropped{reason="say \\"x\\""} 3',
      'millis_behind_latest{shard="s"} 7',
      'put_ms_count 1',
      'put_ms_bucket{le="50"} 1',
      'put_ms_bucket{le="25"} 0',
      'commit_ms_count 1',
    ]) {
      assert.ok(lines.includes(line), `${line}\nin\n${lines.join('\n')}`);
    }
  });

  it('take a metric whose series differ in their labels', async () => {
    const own = new Metrics();
    own.count('errors');
    own.count('errors', 1, { code: 'X' });
    own.timing('load', 1, { table: 'a' });
    own.timing('load', 1);
    const text = await new FigureExport('s', own).prometheus();
    assert.match(text, /^errors 1$/m);
    assert.match(text, /^errors\{code="X"\} 1$/m);
    assert.match(text, /^load_ms_count\{table="a"\} 1$/m);
  });
});

describe('figures for CloudWatch', () => {
  it('are EMF: what counters gained, gauges as they stand, timings as samples', () => {
    const emf = new EmfWriter('router');
    emf.write({ counters: [sample('seen', 10)], gauges: [] }, 1);
    emf.observe('put', {}, 3);
    emf.observe('put', {}, 4);
    assert.deepEqual(emf.write({ counters: [sample('seen', 15)], gauges: [sample('open', 2)] }, 60_000), [
      {
        _aws: {
          Timestamp: 60_000,
          CloudWatchMetrics: [
            {
              Namespace: 'TravelBuddy',
              Dimensions: [['service']],
              Metrics: [
                { Name: 'seen', Unit: 'Count' },
                { Name: 'open', Unit: 'None' },
                { Name: 'put', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
        service: 'router',
        seen: 5,
        open: 2,
        put: [3, 4],
      },
    ]);
  });

  it('fold shards: the sum of counters, of a gauge the worst or, where it says so, the sum', () => {
    const objects = new EmfWriter('s').write(
      {
        counters: [sample('seen', 1, { shard: 'a' }), sample('seen', 2, { shard: 'b' })],
        gauges: [
          sample('behind', 9, { shard: 'a' }),
          sample('behind', 4, { shard: 'b' }),
          { ...sample('state_keys', 9, { shard: 'a' }), fold: 'sum' },
          { ...sample('state_keys', 4, { shard: 'b' }), fold: 'sum' },
        ],
      },
      0,
    );
    assert.equal(objects.length, 1);
    const { seen, behind, state_keys } = objects[0] as Record<string, number>;
    assert.deepEqual([seen, behind, state_keys], [3, 9, 13]);
  });

  it('make one object per set of labels, with the labels as dimensions', () => {
    const objects = new EmfWriter('s').write(
      { counters: [sample('x', 1, { reason: 'a' }), sample('x', 1, { reason: 'b' })], gauges: [] },
      0,
    );
    assert.deepEqual(
      objects.map((object) => (object as { reason: string }).reason),
      ['a', 'b'],
    );
  });

  it('carry the kind of a gauge from a child to CloudWatch, and not to Prometheus, which sums by itself', async () => {
    const figures = new FigureExport('s', new Metrics());
    for (const [child, keys] of [3, 4].entries()) {
      const metrics = new Metrics();
      metrics.gauge('state_keys', keys, { shard: `s${child}` }, 'sum');
      figures.report(`child-${child}`, JSON.parse(JSON.stringify(metrics.drain())) as MetricsSnapshot);
    }
    const written: object[] = [];
    figures.startEmf((object) => written.push(object)).stop();
    assert.equal((written[0] as { state_keys: number }).state_keys, 7);
    assert.match(await figures.prometheus(), /^state_keys\{shard="s0"\} 3\nstate_keys\{shard="s1"\} 4$/m);
  });

  it('hold no more samples of a metric in one object than CloudWatch takes, and count nothing twice', () => {
    const emf = new EmfWriter('s');
    for (let i = 0; i < 250; i++) emf.observe('put', {}, i);
    const objects = emf.write({ counters: [sample('seen', 1)], gauges: [] }, 0) as { put: number[]; seen?: number }[];
    assert.deepEqual(
      objects.map(({ put }) => put.length),
      [100, 100, 50],
    );
    assert.deepEqual(
      objects.flatMap(({ put }) => put),
      Array.from({ length: 250 }, (_, i) => i),
    );
    assert.deepEqual(
      objects.map(({ seen }) => seen),
      [1, undefined, undefined],
    );
  });

  it('keep of very many samples an even choice, at most 1,000', () => {
    const emf = new EmfWriter('s');
    for (let i = 0; i < 30_000; i++) emf.observe('put', {}, i);
    const kept = (emf.write({ counters: [], gauges: [] }, 0) as { put: number[] }[]).flatMap(({ put }) => put);
    assert.ok(kept.length > 500 && kept.length <= 1_000, String(kept.length));
    const steps = new Set(kept.slice(1).map((value, i) => value - kept[i]!));
    assert.equal(steps.size, 1, 'every so many alike');
    assert.ok(kept.at(-1)! > 29_900, 'to the end');
  });

  it('hold no more metrics in one object than CloudWatch takes', () => {
    const counters = Array.from({ length: 150 }, (_, i) => sample(`m${i}`, 1));
    const objects = new EmfWriter('s').write({ counters, gauges: [] }, 0) as {
      _aws: { CloudWatchMetrics: { Metrics: object[] }[] };
    }[];
    assert.deepEqual(
      objects.map(({ _aws }) => _aws.CloudWatchMetrics[0]!.Metrics.length),
      [100, 50],
    );
  });
});
