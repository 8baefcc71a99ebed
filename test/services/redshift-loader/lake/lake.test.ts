import assert from 'node:assert/strict';
import { once } from 'node:events';
import pino from 'pino';
import { isInLake } from '../../../../services/lib/lake/layout.ts';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import type { RoundOutcome } from '../../../../services/redshift-loader/commit/commit-round.ts';
import { lakeWork } from '../../../../services/redshift-loader/lake/lake.ts';
import { startCommitterWith } from '../../../../services/redshift-loader/side-work.ts';
import { bookingEventOf } from '../memory.ts';
import { LakeWorld } from './lake-world.ts';

interface Task {
  /** Whether this task holds the lease. */
  readonly leads: boolean;
  /** What the object store does first with a new object. */
  readonly onCreate?: () => Promise<unknown>;
}

/** A task whose rounds commit one batch each, until there are as many as asked for. */
function startTask(world: LakeWorld, batches: number, { leads, onCreate = async () => {} }: Task) {
  const turns: (() => void)[] = [];
  const committed: string[] = [];
  const { store } = world;
  const shared = {
    database: world.database,
    log: pino({ level: 'silent' }),
    metrics: world.metrics,
    now: () => world.now,
    random: Math.random,
  };
  const objects: ObjectStore = {
    create: async (key, body) => {
      await onCreate();
      return store.create(key, body);
    },
    read: (key) => store.read(key),
    head: (key) => store.head(key),
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
  };
  const background = startCommitterWith(
    {
      ...shared,
      rounds: {
        hasWork: async () => committed.length < batches,
        run: async (): Promise<RoundOutcome> => {
          const batchId = `batch-${committed.length + 1}`;
          world.commit(batchId, [world.stage('shard-0', [bookingEventOf(batchId, 1)])]);
          committed.push(batchId);
          return { kind: 'committed', more: true };
        },
        abort: async () => {},
      },
      lease: { claim: async () => leads, release: async () => {} },
      intervalMs: 1_000,
      leaseMs: 15_000,
      pause: (_ms, signal) =>
        Promise.race([new Promise<void>((resolve) => turns.push(resolve)), once(signal, 'abort').then(() => undefined)]),
    },
    (signal) => [lakeWork({ ...shared, application: 'loader', streamId: 'events@1', retentionMs: 3_600_000, objects, signal })],
  );
  /** The committer's next look. */
  const turn = async (): Promise<void> => {
    while (turns.length === 0) await new Promise(setImmediate);
    turns.shift()?.();
  };
  return { background, committed, turn };
}

const inLake = (world: LakeWorld, batchId: string) => async (): Promise<boolean> => isInLake(world.store, batchId);

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(setImmediate);
}

describe('the committer and the lake', () => {
  it('brings into the lake what is committed, and what an earlier task had committed', async () => {
    const world = new LakeWorld();
    world.commit('earlier', [world.stage('shard-0', [bookingEventOf('earlier', 1)])]);
    const task = startTask(world, 1, { leads: true });
    await until(inLake(world, 'earlier'));
    await until(inLake(world, 'batch-1'));
    await task.background.stop();
  });

  it('never holds up a commit', async () => {
    const world = new LakeWorld();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const task = startTask(world, 3, { leads: true, onCreate: () => held });
    await task.turn();
    await task.turn();
    await until(async () => task.committed.length === 3);
    assert.deepEqual(world.lake, []);
    release();
    for (const batchId of task.committed) await until(inLake(world, batchId));
    await task.background.stop();
  });

  it('leaves the lake to the task that commits', async () => {
    const world = new LakeWorld();
    world.commit('earlier', [world.stage('shard-0', [bookingEventOf('earlier', 1)])]);
    const task = startTask(world, 1, { leads: false });
    for (let look = 0; look < 5; look++) await task.turn();
    await task.background.stop();
    assert.deepEqual(world.calls, []);
  });

  it('stops without an end of what is under way, which the next task finds', async () => {
    const world = new LakeWorld();
    let stopped: Promise<void> | undefined;
    const task = startTask(world, 1, {
      leads: true,
      onCreate: async () => {
        stopped ??= task.background.stop();
      },
    });
    await until(async () => stopped !== undefined);
    await stopped;
    const next = startTask(world, 0, { leads: true });
    await until(inLake(world, 'batch-1'));
    await next.background.stop();
  });
});
