import assert from 'node:assert/strict';
import pino from 'pino';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { LakeQueue } from '../../../../services/redshift-loader/lake/lake-queue.ts';
import { bookingEventOf } from '../memory.ts';
import { LakeWorld } from './lake-world.ts';

const hour = 3_600_000;
const retentionMs = 24 * hour;

function setUp() {
  const world = new LakeWorld();
  const written: string[] = [];
  const errors: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => void errors.push(String((JSON.parse(line) as { event: unknown }).event)) });
  const writer = world.writer();
  let batches = 0;
  const queue = (): LakeQueue =>
    new LakeQueue({
      application: 'loader',
      streamId: 'events@1',
      database: world.database,
      objects: world.objects,
      writer: {
        write: (batchId) => {
          written.push(batchId);
          return writer.write(batchId);
        },
      },
      retentionMs,
      signal: world.stopping.signal,
      log,
      metrics: world.metrics,
      now: () => world.now,
      random: () => 0.5,
    });
  /** A batch of one event, loaded now. */
  const commit = (): string => {
    const batchId = `batch-${++batches}`;
    world.commit(batchId, [world.stage('shard-0', [bookingEventOf(batchId, 1)])]);
    return batchId;
  };
  const gauge = (name: string): number | undefined => world.metrics.drain().gauges.find((one) => one.name === name)?.value;
  const markers = (): string[] => world.lake.filter((key) => key.startsWith('lake/batches/'));
  return { world, queue, commit, written, errors, gauge, markers };
}

describe('lake queue', () => {
  it('finds at its start the batches whose marker is missing, oldest first, back to a week before the retention', async () => {
    const t = setUp();
    const ages = [1, 2, 3, 8 * 24 - 1, 8 * 24 + 1];
    const { now } = t.world;
    const ids = ages.map((age) => {
      t.world.now = now - age * hour;
      return t.commit();
    });
    t.world.now = now;
    await t.world.writer().write(ids[1] ?? '');
    const queue = t.queue();
    queue.leading();
    await queue.idle();
    assert.deepEqual(t.written, [ids[3], ids[2], ids[0]]);
  });

  it('writes a batch when it is committed, and looks at no marker twice', async () => {
    const t = setUp();
    const queue = t.queue();
    for (let i = 0; i < 3; i++) {
      t.commit();
      queue.committed();
      await queue.idle();
    }
    assert.deepEqual(t.written, ['batch-1', 'batch-2', 'batch-3']);
    assert.equal(t.world.calls.filter((call) => call.startsWith('head')).length, 3);
  });

  it('goes on with what is committed while it writes', async () => {
    const t = setUp();
    const queue = t.queue();
    t.commit();
    let during = false;
    t.world.onYield = async () => {
      if (during) return;
      during = true;
      t.commit();
      queue.committed();
    };
    queue.committed();
    await queue.idle();
    assert.deepEqual(t.written, ['batch-1', 'batch-2']);
  });

  it('looks without a commit every two minutes, for what another committer left', async () => {
    const t = setUp();
    const queue = t.queue();
    queue.leading();
    await queue.idle();
    t.commit();
    t.world.now += 119_999;
    queue.leading();
    await queue.idle();
    assert.deepEqual(t.written, []);
    t.world.now += 1;
    queue.leading();
    await queue.idle();
    assert.deepEqual(t.written, ['batch-1']);
  });

  it('finds a batch whose transaction began before one that it has seen', async () => {
    const t = setUp();
    const queue = t.queue();
    t.commit();
    queue.committed();
    await queue.idle();
    t.world.now -= 59 * 60_000;
    t.commit();
    t.world.now += hour;
    queue.committed();
    await queue.idle();
    assert.deepEqual(t.written, ['batch-1', 'batch-2']);
  });

  it('leaves nothing out, whichever call of it fails, before or after it was done', async () => {
    const plain = setUp();
    for (let i = 0; i < 2; i++) plain.commit();
    const first = plain.queue();
    first.leading();
    await first.idle();
    const { length } = plain.world.calls;
    assert.ok(length > 10);
    for (let at = 1; at <= length; at++) {
      for (const when of ['before', 'after'] as const) {
        for (const restart of [false, true]) {
          const t = setUp();
          for (let i = 0; i < 2; i++) t.commit();
          t.world.fault = { at, when };
          const queue = t.queue();
          queue.leading();
          await queue.idle();
          assert.deepEqual(t.errors, ['lake.failed']);
          assert.equal(t.gauge('lake_failures'), 1);
          t.world.now += 1_000;
          const next = restart ? t.queue() : queue;
          next.leading();
          await next.idle();
          assert.deepEqual(t.world.lake, plain.world.lake, `${when} call ${at}`);
          assert.equal(t.gauge('lake_failures'), 0);
        }
      }
    }
  });

  it('waits after a failure, longer each time, commits or not', async () => {
    const t = setUp();
    const queue = t.queue();
    t.world.store.read = async () => {
      throw new PlatformError('OBJECT_UNAVAILABLE', 'away', { retriable: true });
    };
    t.commit();
    const attemptsAt: number[] = [];
    const start = t.world.now;
    for (let second = 0; second < 20; second++) {
      const before = t.written.length;
      queue.committed();
      await queue.idle();
      if (t.written.length > before) attemptsAt.push((t.world.now - start) / 1_000);
      t.world.now += 1_000;
    }
    assert.deepEqual(attemptsAt, [0, 1, 3, 6, 11]);
  });

  it('leaves a damaged batch where it is, says so once, and goes on with the others', async () => {
    const t = setUp();
    const queue = t.queue();
    const damaged = t.commit();
    const [file] = t.world.batches.get(damaged)?.files ?? [];
    const body = t.world.store.objects.get(file?.object ?? '') ?? Buffer.of();
    t.world.store.objects.delete(file?.object ?? '');
    for (let look = 0; look < 3; look++) {
      t.commit();
      queue.leading();
      await queue.idle();
      t.world.now += hour;
    }
    const others = [2, 3, 4].map((n) => `lake/batches/batch-${n}.json`);
    assert.deepEqual(t.markers(), others);
    assert.deepEqual(t.errors, ['lake.unwritable']);
    assert.equal(t.gauge('lake_batches_unwritable'), 1);
    queue.leading();
    await queue.idle();
    assert.equal(t.gauge('lake_age_ms'), 3 * hour, 'the age of what is not in the lake');
    t.world.store.objects.set(file?.object ?? '', body);
    t.world.now += hour;
    queue.leading();
    await queue.idle();
    assert.deepEqual(t.markers(), [...others, 'lake/batches/batch-1.json']);
    assert.equal(t.gauge('lake_batches_unwritable'), 0);
  });

  it('takes a defect of ours in one batch for damage of that batch', async () => {
    const t = setUp();
    const queue = t.queue();
    const read = t.world.store.read.bind(t.world.store);
    t.world.store.read = async (key) => {
      if (key.includes('file-1.')) throw new TypeError('a defect');
      return read(key);
    };
    for (let i = 0; i < 2; i++) t.commit();
    queue.leading();
    await queue.idle();
    assert.deepEqual([t.markers(), t.errors], [['lake/batches/batch-2.json'], ['lake.unwritable']]);
  });

  it('takes a right that is missing for a failure of the store, not of each batch', async () => {
    const t = setUp();
    const queue = t.queue();
    t.world.store.create = async () => {
      throw new PlatformError('OBJECT_UNAVAILABLE', '403');
    };
    for (let i = 0; i < 3; i++) t.commit();
    queue.leading();
    await queue.idle();
    assert.deepEqual([t.written, t.errors], [['batch-1'], ['lake.failed']]);
  });

  it('ends when the task stops, without a word', async () => {
    const t = setUp();
    const queue = t.queue();
    for (let i = 0; i < 3; i++) t.commit();
    t.world.onYield = async () => t.world.stopping.abort();
    queue.leading();
    await queue.idle();
    queue.committed();
    await queue.idle();
    assert.deepEqual([t.written, t.markers(), t.errors], [['batch-1'], [], []]);
  });
});
