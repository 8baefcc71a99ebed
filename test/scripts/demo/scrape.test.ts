import assert from 'node:assert/strict';
import { parseMetrics, RunningCounters } from '../../../scripts/demo/scrape.ts';
import { prometheusText, Timings } from '../../../services/lib/process/prometheus.ts';

describe('scraped metrics', () => {
  it('are read as the services write them', async () => {
    const text = await prometheusText(
      {
        counters: [
          { name: 'events_dropped', labels: { reason: 'no-op "quoted" \\' }, value: 3 },
          { name: 'events_routed', labels: {}, value: 12 },
        ],
        gauges: [{ name: 'millis_behind_latest', labels: { shard: 'shardId-000000000001' }, value: 0 }],
      },
      new Timings(),
    );
    assert.deepEqual(parseMetrics(text), [
      { name: 'events_dropped', labels: { reason: 'no-op "quoted" \\' }, value: 3 },
      { name: 'events_routed', labels: {}, value: 12 },
      { name: 'millis_behind_latest', labels: { shard: 'shardId-000000000001' }, value: 0 },
    ]);
  });

  it('add up over the processes of a service', () => {
    const counters = new RunningCounters();
    const dropped = (reason: string, value: number) => ({ name: 'events_dropped', labels: { reason }, value });
    counters.add('event-router', [dropped('no-op', 5), dropped('other', 1)]);
    counters.add('event-router', [dropped('no-op', 8), dropped('other', 1)]);
    counters.add('event-router', [dropped('no-op', 2)]); // a new process
    counters.add('fraud-detector', [dropped('no-op', 100)]);
    assert.equal(counters.sum('event-router', 'events_dropped'), 11);
    assert.deepEqual(counters.by('event-router', 'events_dropped', 'reason'), { 'no-op': 10, other: 1 });
    assert.equal(counters.sum('event-router', 'unknown'), 0);
  });
});
