import assert from 'node:assert/strict';
import pino from 'pino';
import { position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import { StagedObjectError } from '../../../../services/lib/warehouse/copy.ts';
import { warehouseError } from '../../../../services/lib/warehouse/pg-errors.ts';
import { BatchSize } from '../../../../services/redshift-loader/commit/batch-size.ts';
import { CommitRounds } from '../../../../services/redshift-loader/commit/commit-round.ts';
import { MemoryRegistry, MemoryStore } from '../memory.ts';
import { type FakeBehaviour, fakeWarehouse } from './fake-warehouse.ts';

/** A committer before a warehouse of this behaviour. */
function setUp(behaviour: FakeBehaviour = {}, maxFiles = 100) {
  const clock = { now: 1_800_000_000_000 };
  const registry = new MemoryRegistry();
  const store = new MemoryStore();
  const metrics = new Metrics();
  const batches: string[][] = [];
  const warehouse = fakeWarehouse({
    onStatement: (sql, copied) => {
      if (sql === 'COPY load_stage') batches.push([...copied]);
      behaviour.onStatement?.(sql, copied);
    },
  });
  let ids = 0;
  const rounds = new CommitRounds({
    ...warehouse,
    application: 'loader',
    streamId: 'events@1',
    registry,
    objects: store,
    limits: { maxFiles, maxBytes: 100 * maxFiles },
    retentionMs: 1e12,
    orphanAgeMs: 1e12,
    inLake: async () => true,
    log: pino({ level: 'silent' }),
    metrics,
    now: () => clock.now,
    newId: () => `batch-${++ids}`,
  });
  const next = new Map<string, number>();
  /** Registers the next file of the shard, of one row and 100 bytes: `<shard>-<n>`, from 0. A millisecond passes. */
  async function stage(shardId: string): Promise<void> {
    const n = next.get(shardId) ?? 0;
    next.set(shardId, n + 1);
    const key = `${shardId}-${n}`;
    await store.create(key, Buffer.from(key));
    const { size, sha256 } = (await store.head(key)) ?? { size: 0, sha256: '' };
    await registry.append({
      shardId,
      fileId: key,
      from: n === 0 ? trimHorizon : position(String(n)),
      to: position(String(n + 1)),
      registeredAt: clock.now++,
      rows: 1,
      csvBytes: 100,
      object: { key, size, sha256 },
      occurred: [clock.now, clock.now],
    });
  }
  const gauge = (name: string): number | undefined => metrics.drain().gauges.find((each) => each.name === name)?.value;
  const counter = (name: string): number => metrics.drain().counters.find((each) => each.name === name)?.value ?? 0;
  /** What became of a round: its kind, or the message of its error. */
  const round = (): Promise<string> =>
    rounds.run().then(
      (outcome) => (typeof outcome === 'object' ? outcome.kind : outcome),
      (error: Error) => error.message,
    );
  return { clock, rounds, registry, store, batches, stage, gauge, counter, round };
}

describe('what waits', () => {
  it('is told after a commit as what the batch left, its age that of the oldest file left', async () => {
    const t = setUp({}, 2);
    for (const shard of ['a', 'b', 'c']) await t.stage(shard);
    t.clock.now += 1_000;
    assert.equal(await t.round(), 'committed');
    assert.deepEqual([t.gauge('files_waiting'), t.gauge('uncommitted_age_ms')], [1, 1_001]);
    assert.equal(await t.round(), 'committed');
    assert.deepEqual([t.gauge('files_waiting'), t.gauge('uncommitted_age_ms')], [0, 0]);
  });

  it('is nothing once all is loaded, whoever loaded it', async () => {
    let lost = true;
    const t = setUp({
      onStatement: (sql) => {
        if (sql === 'COMMIT' && lost) throw new Error('no answer');
      },
    });
    await t.stage('a');
    assert.equal(await t.round(), 'again');
    assert.equal(t.gauge('files_waiting'), 1);
    lost = false;
    assert.equal(await t.rounds.hasWork(), true);
    // Removed by another committer's housekeeping: nothing is left to be read.
    t.registry.heads = async () => new Map();
    assert.equal(await t.rounds.hasWork(), false);
    assert.deepEqual([t.gauge('files_waiting'), t.gauge('uncommitted_age_ms')], [0, 0]);
  });
});

describe('a refused file that fails alone with another error', () => {
  const away = new PlatformError('WAREHOUSE_UNAVAILABLE', 'away', { retriable: true });
  const broken = new PlatformError('INTERNAL', 'broken');

  /** A committer that commits `good-1` in the round in which `bad-0`, refused before, fails alone with this. */
  async function failsAlone(error: PlatformError) {
    const fault: { error: PlatformError | undefined } = { error };
    const t = setUp({
      onStatement: (sql, copied) => {
        if (!sql.startsWith('COPY') || !copied.includes('bad-0')) return;
        if (sql === 'COPY load_stage' && t.counter('files_refused') === 0) throw new StagedObjectError('bad-0', 'refused');
        if (sql === 'COPY load_alone' && fault.error !== undefined) throw fault.error;
      },
    });
    for (const shard of ['bad', 'good']) await t.stage(shard);
    assert.deepEqual([await t.round(), await t.round()], ['again', 'committed']);
    await t.stage('good');
    t.clock.now += 601_000;
    const list = t.store.list.bind(t.store);
    let kept = 0;
    t.store.list = (...args) => {
      kept += 1;
      return list(...args);
    };
    assert.equal(await t.round(), 'committed');
    assert(kept > 0, 'the stage is kept tidy all the same');
    assert.deepEqual(t.batches.at(-1), ['good-1']);
    fault.error = undefined;
    return t;
  }

  it('is tried again in the next round when that may pass', async () => {
    const t = await failsAlone(away);
    assert.equal(t.counter('files_refused'), 1);
    assert.deepEqual([await t.round(), await t.round()], ['again', 'committed']);
    assert.deepEqual(t.batches.at(-1), ['bad-0']);
  });

  it('stays left out for ten minutes when it does not pass by itself', async () => {
    const t = await failsAlone(broken);
    assert.equal(t.counter('files_refused'), 2);
    assert.equal(await t.round(), 'blocked');
    t.clock.now += 601_000;
    assert.deepEqual([await t.round(), await t.round()], ['again', 'committed']);
    assert.deepEqual(t.batches.at(-1), ['bad-0']);
  });
});

describe('a file that fails each load of it, whatever the error', () => {
  const broken = new PlatformError('INTERNAL', 'broken');
  /** Five files, the second of them such a one. */
  async function failsLoad(error: PlatformError) {
    const t = setUp({
      onStatement: (sql, copied) => {
        if (sql.startsWith('INSERT INTO booking_event') && copied.includes('bad-0')) throw error;
      },
    });
    for (const shard of ['a', 'bad', 'b', 'c', 'd']) await t.stage(shard);
    return t;
  }

  it('is found by halving after three failures in a row, and left out; the others are loaded', async () => {
    const t = await failsLoad(broken);
    assert.deepEqual([await t.round(), await t.round()], ['broken', 'broken'], 'it may pass');
    const outcomes: string[] = [];
    while (outcomes.at(-1) !== 'blocked' && outcomes.length < 12) outcomes.push(await t.round());
    assert(!outcomes.includes('broken'));
    assert.deepEqual(
      t.batches
        .slice(2)
        .map((keys) => keys.length)
        .slice(0, 3),
      [5, 2, 1],
    );
    assert.deepEqual(t.batches.at(-1), ['b-0', 'c-0', 'd-0'], 'as many at a time as before');
    assert.deepEqual([t.counter('files_refused'), t.counter('files_committed')], [1, 4]);
  });

  it('costs one attempt when its time comes again and it still fails', async () => {
    const t = await failsLoad(broken);
    for (let n = 0; n < 12; n++) await t.round();
    t.clock.now += 601_000;
    assert.equal(await t.round(), 'again', 'its COPY alone passes');
    await t.stage('a');
    const before = t.batches.length;
    assert.deepEqual([await t.round(), await t.round(), await t.round()], ['again', 'committed', 'blocked']);
    assert.deepEqual(t.batches.slice(before), [['bad-0', 'a-1'], ['a-1']]);
  });

  it('is not looked for when the error is of the warehouse, or came before any file was read', async () => {
    const refused = await failsLoad(new PlatformError('WAREHOUSE_REFUSED', 'no right'));
    const early = setUp({
      onStatement: (sql) => {
        if (sql.startsWith('UPDATE load_gate')) throw broken;
      },
    });
    await early.stage('a');
    for (let n = 0; n < 5; n++) assert.deepEqual([await refused.round(), await early.round()], ['no right', 'broken']);
  });
});

describe('a batch whose statements run out of time', () => {
  const slow = (): Error =>
    warehouseError(Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' }), 'x');

  it('is tried with half as many files, and with more again after each commit', async () => {
    const t = setUp({
      onStatement: (sql, copied) => {
        if (sql.startsWith('INSERT INTO booking_event') && copied.length > 2) throw slow();
      },
    });
    for (let n = 0; n < 8; n++) await t.stage('a');
    for (let n = 0; n < 6; n++) await t.round();
    const sizes = t.batches.map((keys) => keys.length);
    assert.deepEqual(sizes, [8, 4, 2, 2, 3, 1]);
    assert.equal(t.counter('files_committed'), 5);
  });

  it('holds half the bytes, too, and as much as configured in the end', async () => {
    const size = new BatchSize({ maxFiles: 5, maxBytes: 1_000 });
    const file = { shardId: 's', fileId: 'f', from: trimHorizon, to: position('1'), registeredAt: 0, rows: 1 };
    size.tooSlow([
      { ...file, csvBytes: 300 },
      { ...file, csvBytes: 200 },
    ]);
    assert.deepEqual(size.limits, { maxFiles: 1, maxBytes: 250 });
    for (let n = 0; n < 8; n++) size.committed();
    assert.deepEqual(size.limits, { maxFiles: 5, maxBytes: 1_000 });
  });

  it('is as large as before when the time ran out at the gate', async () => {
    let held = true;
    const t = setUp({
      onStatement: (sql) => {
        if (sql.startsWith('UPDATE load_gate') && held) throw slow();
      },
    });
    for (let n = 0; n < 4; n++) await t.stage('a');
    await t.round();
    held = false;
    assert.equal(await t.round(), 'committed');
    assert.deepEqual(
      t.batches.map((keys) => keys.length),
      [4],
    );
  });
});
