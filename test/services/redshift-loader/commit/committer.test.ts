import assert from 'node:assert/strict';
import pino from 'pino';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import type { Database } from '../../../../services/lib/warehouse/database.ts';
import { warehouseFault } from '../../../../services/lib/warehouse/pg-errors.ts';
import type { RoundOutcome } from '../../../../services/redshift-loader/commit/commit-round.ts';
import { type CommitterOptions, startCommitter } from '../../../../services/redshift-loader/commit/committer.ts';

const intervalMs = 30_000;

interface Script {
  /** What each round does, in order; afterwards nothing waits. */
  readonly rounds: readonly (RoundOutcome | Error)[];
  readonly claims?: readonly (boolean | Error)[];
  /** Ends the run at this time, ms from its start. */
  readonly untilMs: number;
  /** What each round says of files that wait, and of their age. */
  readonly waiting?: number;
  /** What chance says, always; default 0. */
  readonly random?: number;
}

/** Runs the loop on a clock that only its pauses move; returns what happened when. */
async function play({ rounds, claims = [], untilMs, waiting = 0, random = 0 }: Script) {
  const happened: string[] = [];
  const asked: string[] = [];
  let now = 0;
  let round = 0;
  let claim = 0;
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const database: Database = {
    dialect: 'postgres',
    connect: async () => ({
      dialect: 'postgres',
      query: async (sql) => {
        asked.push(sql);
        return { rows: sql.includes('pg_stat_activity') ? [{ pid: 42 }] : [], affected: 0, command: 'SELECT' };
      },
      copyIn: async () => {},
      close: async () => {},
    }),
  };
  const options: CommitterOptions = {
    database,
    log: pino({ level: 'silent' }),
    metrics: new Metrics(),
    now: () => now,
    random: () => random,
    intervalMs,
    leaseMs: 15_000,
    rounds: {
      hasWork: async () => round < rounds.length,
      run: async () => {
        const outcome = rounds[round++] ?? 'idle';
        for (const name of ['files_waiting', 'uncommitted_age_ms']) options.metrics.gauge(name, waiting);
        happened.push(`${now} ${outcome instanceof Error ? outcome.message : typeof outcome === 'object' ? outcome.kind : outcome}`);
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      abort: async () => {},
    },
    lease: {
      claim: async () => {
        const outcome = claims[claim++] ?? true;
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      release: async () => {
        happened.push(`${now} released`);
      },
    },
    pause: async (ms, signal) => {
      now += ms;
      if (now >= untilMs) ended();
      if (now >= untilMs) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
  };
  const committer = startCommitter(options);
  await end;
  await committer.stop();
  return { happened, asked, claims: claim, metrics: options.metrics.drain() };
}

const committed = (more = false): RoundOutcome => ({ kind: 'committed', more });
const gauge = (metrics: ReturnType<Metrics['drain']>, name: string): number | undefined =>
  metrics.gauges.find((each) => each.name === name)?.value;
const away = (code: 'WAREHOUSE_UNAVAILABLE' | 'WAREHOUSE_CONFLICT'): Error => new PlatformError(code, code, { retriable: true });

describe('committer', () => {
  it('commits at once when the interval has passed, and never more often', async () => {
    const { happened } = await play({ rounds: [committed(), committed(), committed()], untilMs: 70_000 });
    assert.deepEqual(happened, ['0 committed', '30000 committed', '60000 committed', '70000 released']);
  });

  it('goes on at once while files wait that a batch had no room for, or another was first', async () => {
    const { happened } = await play({ rounds: [committed(true), 'again', committed(), committed()], untilMs: 31_000 });
    assert.deepEqual(happened.slice(0, 3), ['0 committed', '50 again', '100 committed']);
    assert.deepEqual(happened[3]?.split(' ')[1], 'committed');
    assert(Number(happened[3]?.split(' ')[0]) >= 30_100);
  });

  it('waits longer and longer between rounds that come to nothing: neither lost races nor a COMMIT that is never made spin', async () => {
    const { happened } = await play({ rounds: Array.from({ length: 100 }, () => 'again' as const), untilMs: 60_000, random: 1 });
    const times = happened.slice(0, -1).map((what) => Number(what.split(' ')[0]));
    assert.deepEqual(times.slice(0, 5), [0, 50, 250, 650, 1_450]);
    assert(times.length < 25, `${times.length} rounds in a minute`);
  });

  it('counts anew after a round that came to something', async () => {
    const { happened } = await play({ rounds: ['again', 'again', committed(true), 'again', committed()], untilMs: 3_000, random: 1 });
    assert.deepEqual(happened.slice(0, 5), ['0 again', '50 again', '250 committed', '300 again', '350 committed']);
  });

  it('pauses between conflicts, each of which has waited for the gate before', async () => {
    const { happened, metrics } = await play({
      rounds: Array.from({ length: 100 }, () => away('WAREHOUSE_CONFLICT')),
      untilMs: 60_000,
      random: 1,
    });
    assert(happened.length < 15, `${happened.length} rounds in a minute`);
    assert.equal(metrics.counters.find(({ name }) => name === 'commit_conflicts')?.value, happened.length - 1);
  });

  it('does nothing while another task holds the lease, and takes over when it may', async () => {
    const { happened } = await play({ rounds: [committed()], claims: [false, false, true], untilMs: 12_000 });
    assert.deepEqual(happened, ['10000 committed', '12000 released']);
  });

  it('no longer tells what waits once another task commits', async () => {
    const { metrics } = await play({ rounds: [committed()], claims: [true, false, false, false], untilMs: 12_000, waiting: 7 });
    assert.deepEqual([gauge(metrics, 'files_waiting'), gauge(metrics, 'uncommitted_age_ms')], [0, 0]);
  });

  it('releases nothing that it does not hold', async () => {
    const { happened } = await play({ rounds: [committed()], claims: [false, false, false], untilMs: 3_000 });
    assert.deepEqual(happened, []);
  });

  it('prolongs its lease at a third of its length, not at every look', async () => {
    const { claims } = await play({ rounds: [], untilMs: 10_500 });
    assert.equal(claims, 3);
  });

  it('tries an absent warehouse or lease table again with a growing pause, and says how often it failed', async () => {
    const failing = await play({ rounds: [away('WAREHOUSE_UNAVAILABLE'), away('WAREHOUSE_UNAVAILABLE'), committed()], untilMs: 5_000 });
    assert.deepEqual(failing.happened, ['0 WAREHOUSE_UNAVAILABLE', '250 WAREHOUSE_UNAVAILABLE', '500 committed', '5500 released']);
    assert.equal(gauge(failing.metrics, 'committer_failures'), 0);
    const leaseless = await play({
      rounds: [committed()],
      claims: [new PlatformError('TABLE_UNAVAILABLE', 'x', { retriable: true })],
      untilMs: 2_000,
    });
    assert.equal(leaseless.happened[0], '250 committed');
  });

  it('waits long while the warehouse is full, and says so until a commit goes through', async () => {
    const full = warehouseFault('full', 'no room');
    const stuck = await play({ rounds: [full, full], untilMs: 100_000 });
    assert.deepEqual(stuck.happened, ['0 no room; ' + full.remedy, '60000 no room; ' + full.remedy, '120000 released']);
    assert.equal(gauge(stuck.metrics, 'warehouse_disk_full'), 1);
    const freed = await play({ rounds: [full, committed()], untilMs: 61_000 });
    assert.equal(freed.happened[1], '60000 committed');
    assert.equal(gauge(freed.metrics, 'warehouse_disk_full'), 0);
  });

  it('alarms nobody about a maintenance window, and goes on after it', async () => {
    const window = warehouseFault('maintenance', 'closed');
    const during = await play({ rounds: [window], untilMs: 200 });
    assert.equal(gauge(during.metrics, 'committer_failures'), 0);
    const absent = await play({ rounds: [away('WAREHOUSE_UNAVAILABLE')], untilMs: 200 });
    assert.equal(gauge(absent.metrics, 'committer_failures'), 1);
    const after = await play({ rounds: [window, committed()], untilMs: 2_000 });
    assert.equal(after.happened[1], '250 committed');
  });

  it('ends sessions of dead committers after it could not get the gate, and only then', async () => {
    const blocked = await play({ rounds: [away('WAREHOUSE_CONFLICT'), committed()], untilMs: 2_000 });
    assert.equal(blocked.asked.length, 2);
    assert.match(blocked.asked[0] ?? '', /load_gate.*60 seconds/s);
    assert.equal(blocked.asked[1], 'SELECT pg_terminate_backend(42)');
    const absent = await play({ rounds: [away('WAREHOUSE_UNAVAILABLE')], untilMs: 2_000 });
    assert.deepEqual(absent.asked, []);
  });
});
