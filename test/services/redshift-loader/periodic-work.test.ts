import assert from 'node:assert/strict';
import pino from 'pino';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { PeriodicWork, type PeriodicWorkParts } from '../../../services/redshift-loader/periodic-work.ts';

function setUp(run: () => Promise<void>, options: Pick<PeriodicWorkParts, 'retry'> = {}) {
  const clock = { now: 1_000_000 };
  const metrics = new Metrics();
  const stopping = new AbortController();
  const work = new PeriodicWork({
    name: 'sample',
    run,
    ...options,
    intervalMs: 60_000,
    signal: stopping.signal,
    log: pino({ level: 'silent' }),
    metrics,
    now: () => clock.now,
    random: () => 1,
  });
  /** A look of the committer, and what it started. */
  const look = async (): Promise<void> => {
    work.leading();
    await work.idle();
  };
  return { clock, work, look, stopping, failures: () => metrics.drain().gauges[0]?.value };
}

describe('work beside the commits', () => {
  it('runs at once and then once in its interval', async () => {
    let runs = 0;
    const t = setUp(async () => void runs++);
    await t.look();
    t.clock.now += 59_999;
    await t.look();
    assert.equal(runs, 1);
    t.clock.now += 1;
    await t.look();
    assert.equal(runs, 2);
  });

  it('is not waited for, and runs once at a time', async () => {
    let runs = 0;
    let end = (): void => {};
    const t = setUp(() => {
      runs += 1;
      return new Promise((resolve) => {
        end = resolve;
      });
    });
    t.work.leading();
    t.clock.now += 600_000;
    t.work.leading();
    assert.equal(runs, 1);
    end();
    await t.work.idle();
  });

  it('tells of failures and tries again, before its interval is over', async () => {
    let isAway = true;
    let runs = 0;
    const t = setUp(async () => {
      runs += 1;
      if (isAway) throw new Error('away');
    });
    await t.look();
    await t.look();
    assert.deepEqual([runs, t.failures()], [1, 1], 'not at once');
    t.clock.now += 59_999;
    await t.look();
    assert.deepEqual([runs, t.failures()], [2, 2]);
    isAway = false;
    t.clock.now += 59_999;
    await t.look();
    assert.deepEqual([runs, t.failures()], [3, 0]);
  });

  it('waits longer where a failure is dear', async () => {
    let runs = 0;
    const t = setUp(
      async () => {
        runs += 1;
        throw new Error('too long');
      },
      { retry: { baseMs: 600_000, capMs: 3_600_000 } },
    );
    await t.look();
    t.clock.now += 599_999;
    await t.look();
    assert.equal(runs, 1);
    t.clock.now += 1;
    await t.look();
    assert.equal(runs, 2);
  });

  it('starts nothing more when the task stops', async () => {
    let runs = 0;
    const t = setUp(async () => void runs++);
    t.stopping.abort();
    await t.look();
    assert.equal(runs, 0);
  });
});
