import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  ReadLimit,
  readBytesPerSecond,
  readCallsPerSecond,
  WriteLimit,
  writeBytesPerSecond,
  writeRecordsPerSecond,
} from '../../../../scripts/local/kinesis/store/limits.ts';
import { Rate } from '../../../../scripts/local/kinesis/store/rate.ts';

interface Passed {
  readonly atMs: number;
  readonly units: number;
}

/** The most that any `spanMs` held. */
function mostWithin(spanMs: number, passed: readonly Passed[]): number {
  const some = passed.filter(({ units }) => units > 0);
  return Math.max(
    0,
    ...some.map(({ atMs: from }) =>
      some.filter(({ atMs }) => atMs >= from && atMs < from + spanMs).reduce((sum, { units }) => sum + units, 0),
    ),
  );
}

/** How much each whole second of [0, seconds) held, seconds counted from the first unit. */
function perSecond(passed: readonly Passed[], seconds: number): number[] {
  const startMs = passed[0]?.atMs ?? 0;
  return Array.from({ length: seconds }, (_, second) =>
    passed.filter(({ atMs }) => Math.floor((atMs - startMs) / 1_000) === second).reduce((sum, { units }) => sum + units, 0),
  );
}

/** Asks one unit at a time, `units` at each of the times. */
function ask(rate: Rate, timesMs: readonly number[], units: (index: number) => number): Passed[] {
  return timesMs.map((atMs, i) => {
    let passed = 0;
    for (let n = units(i); n > 0 && rate.allows(atMs, 1); n--, passed++) rate.take(atMs, 1);
    return { atMs, units: passed };
  });
}

const capacity = 60;
const startMs = 1_790_000_000_123;
const gaps = (max: number) => fc.array(fc.tuple(fc.integer({ min: 0, max }), fc.integer({ min: 0, max: 2 * capacity })), { maxLength: 80 });
const timesOf = (steps: readonly (readonly [number, number])[]): number[] => {
  let atMs = startMs;
  return steps.map(([gap]) => (atMs += gap));
};

describe('a rate per second', () => {
  it('lets no 800 ms hold more than the limit, whatever is asked and when', () => {
    fc.assert(
      fc.property(gaps(700), (steps) => {
        const passed = ask(new Rate(capacity), timesOf(steps), (i) => steps[i]?.[1] ?? 0);
        assert.ok(mostWithin(800, passed) <= capacity);
      }),
    );
  });

  it('lets no second hold more when it is asked without pause', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 1_201, max: 3_000 })),
        fc.integer({ min: 1, max: 5 }),
        (pauseMs, each) => {
          const rate = new Rate(capacity);
          const early = ask(rate, [startMs], () => each);
          const flood = ask(
            rate,
            Array.from({ length: 3_000 }, (_, i) => startMs + pauseMs + i),
            () => each,
          );
          assert.ok(mostWithin(1_000, [...early, ...flood]) <= capacity);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('refuses nothing of a load that keeps the limit in every second', () => {
    fc.assert(
      fc.property(gaps(700), (steps) => {
        const rate = new Rate(capacity);
        const passed: Passed[] = [];
        timesOf(steps).forEach((atMs, i) => {
          const lastSecond = passed.filter((other) => other.atMs > atMs - 1_000).reduce((sum, { units }) => sum + units, 0);
          const units = Math.min(steps[i]?.[1] ?? 0, capacity - lastSecond);
          if (units === 0) return;
          assert.ok(rate.allows(atMs, units));
          rate.take(atMs, units);
          passed.push({ atMs, units });
        });
      }),
    );
  });

  it('loses nothing over time to whoever asks for more at least every 100 ms', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 20, max: 2 * capacity })), {
      minLength: 60,
      maxLength: 300,
    });
    fc.assert(
      fc.property(steps, (given) => {
        const timesMs = timesOf(given);
        const passed = ask(new Rate(capacity), timesMs, (i) => given[i]?.[1] ?? 0);
        const seconds = Math.floor(((timesMs.at(-1) ?? 0) - (timesMs[0] ?? 0)) / 1_000) - 1;
        const total = perSecond(passed, seconds).reduce((sum, units) => sum + units, 0);
        assert.ok(Math.abs(total - capacity * seconds) <= capacity, `${total} in ${seconds} s`); // less than a second's worth apart however long
      }),
    );
  });

  it('gives exactly the limit in each second to lumps that come unevenly', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 60, maxLength: 60 }), (jitter) => {
        const timesMs = jitter.map((late, i) => startMs + Math.round((i * 1_000) / 6) + (i === 0 ? 0 : late));
        const passed = ask(new Rate(capacity), timesMs, () => capacity / 2); // three times the limit, six lumps a second
        assert.deepEqual(perSecond(passed, 9), Array(9).fill(capacity));
      }),
    );
  });

  it('gives a burst after any pause one second’s worth, and nothing more before a second has passed', () => {
    for (const pauseMs of [1_201, 1_999, 60_000, 86_400_000]) {
      const rate = new Rate(capacity);
      ask(rate, [startMs], () => capacity);
      const burst = startMs + pauseMs;
      const passed = ask(rate, [burst, burst + 1, burst + 999, burst + 1_000], () => 3 * capacity);
      assert.deepEqual(
        passed.map(({ units }) => units),
        [capacity, 0, 0, capacity],
        `${pauseMs} ms`,
      );
    }
  });

  it('books what exceeds it on the seconds that follow', () => {
    const rate = new Rate(capacity);
    rate.take(startMs, 20);
    rate.take(startMs + 100, 5 * capacity - 20);
    assert.equal(rate.allows(startMs + 4_999, 1), false);
    assert.equal(rate.allows(startMs + 5_000, 20), true);
    assert.equal(rate.allows(startMs + 5_000, 21), false);
    assert.equal(rate.allows(startMs + 5_100, capacity), true);
  });

  it('takes no time to have passed when the clock is put back, and goes on from there', () => {
    const rate = new Rate(capacity);
    ask(rate, [startMs], () => capacity);
    const back = startMs - 3_600_000;
    assert.equal(rate.allows(back, 1), false);
    assert.equal(rate.allows(back + 999, 1), false);
    assert.equal(rate.allows(back + 500, 1), false);
    assert.equal(rate.allows(back + 501, capacity), true, 'a second of steps forward');
  });
});

describe('the limits of a shard', () => {
  it('take of alternating sizes what fits: in each second within a record of 1 MiB, and never more than 1,000', () => {
    const limit = new WriteLimit();
    const sizes = [700, 5_000, 1, 30_000, 1_500];
    const seconds = Array.from({ length: 5 }, () => ({ bytes: 0, records: 0, refused: 0 }));
    for (let i = 0; i < 5_000 * 2; i++) {
      const atMs = Math.floor(i / 2);
      const size = sizes[i % sizes.length] ?? 0;
      const second = seconds[Math.floor(atMs / 1_000)];
      if (second === undefined) continue;
      if (limit.take(startMs + atMs, size)) {
        second.bytes += size;
        second.records += 1;
      } else second.refused += 1;
    }
    for (const { bytes, records, refused } of seconds) {
      assert.ok(bytes <= writeBytesPerSecond && bytes > writeBytesPerSecond - 1_500, `${bytes} bytes`);
      assert.ok(records <= writeRecordsPerSecond);
      assert.equal(records + refused, 2_000);
    }
  });

  it('take a record of 1 MiB a second and nothing beside it', () => {
    const limit = new WriteLimit();
    assert.equal(limit.take(startMs, writeBytesPerSecond), true);
    assert.equal(limit.take(startMs + 999, 1), false);
    assert.equal(limit.take(startMs + 1_000, writeBytesPerSecond), true);
  });

  it('count nothing for what they refuse', () => {
    const limit = new WriteLimit();
    for (let i = 0; i < 5_000; i++) limit.take(startMs, writeBytesPerSecond + 1);
    for (let i = 0; i < writeRecordsPerSecond; i++) assert.equal(limit.take(startMs, 1), true);
  });

  it('give reads 2 MiB a second over time, however large the answers are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10_485_760 }), { minLength: 5, maxLength: 5 }), (sizes) => {
        const limit = new ReadLimit();
        let bytes = 0;
        let calls = 0;
        for (let atMs = 0; atMs < 60_000; atMs += 10) {
          if (!limit.take(startMs + atMs)) continue;
          const size = sizes[calls++ % sizes.length] ?? 0;
          limit.charge(size);
          bytes += size;
        }
        const largest = Math.max(...sizes);
        assert.ok(bytes <= 60 * readBytesPerSecond + largest);
        assert.ok(calls <= 60 * readCallsPerSecond);
        assert.ok(calls === 60 * readCallsPerSecond || bytes >= 59 * readBytesPerSecond - largest, `${bytes} bytes in ${calls} calls`);
      }),
      { numRuns: 30 },
    );
  });
});
