import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Series } from '../../../../../scripts/local/kinesis/metrics/series.ts';

const all = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

describe('local Kinesis: the series of a metric', () => {
  it('holds the statistics of the latest periods, oldest first, and no others', () => {
    const steps = fc.array(
      fc.record({ advance: fc.nat(2), values: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 4 }) }),
      {
        maxLength: 60,
      },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), (given, maxPeriods) => {
        const series = new Series(maxPeriods);
        const periods = new Map<number, number[]>();
        let now = 0;
        for (const { advance, values } of given) {
          now += advance * 1_000;
          for (const value of values) series.add(now, value);
          periods.set(now, [...(periods.get(now) ?? []), ...values]);
        }
        const expected = [...periods].slice(-maxPeriods).map(([timestampMs, values]) => {
          const sum = values.reduce((a, b) => a + b, 0);
          return {
            timestampMs,
            sum,
            minimum: Math.min(...values),
            maximum: Math.max(...values),
            sampleCount: values.length,
            average: sum / values.length,
          };
        });
        assert.deepEqual(series.datapoints(...all), expected);
        assert.deepEqual(
          series.datapoints(1_000, 3_000),
          expected.filter(({ timestampMs }) => timestampMs >= 1_000 && timestampMs < 3_000),
        );
      }),
    );
  });

  it('counts samples of a clock that went back for the latest period', () => {
    const series = new Series(8);
    for (const startMs of [2_000, 1_000, 0, 3_000]) series.add(startMs, 1);
    assert.deepEqual(
      series.datapoints(...all).map(({ timestampMs, sampleCount }) => [timestampMs, sampleCount]),
      [
        [2_000, 3],
        [3_000, 1],
      ],
    );
  });
});
