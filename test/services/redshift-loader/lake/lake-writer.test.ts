import assert from 'node:assert/strict';
import { isInLake } from '../../../../services/lib/lake/layout.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';
import { partBytes } from '../../../../services/redshift-loader/lake/lake-writer.ts';
import { readParquet } from '../../../support/duckdb.ts';
import { bookingEventOf } from '../memory.ts';
import { LakeWorld, type LoadedFile } from './lake-world.ts';

const t0 = Date.UTC(2026, 6, 5, 22, 59, 59);
const eventAt = (id: string, seconds: number) => bookingEventOf(id, 1, { occurredAt: t0 + seconds * 1_000 });
const mismatch = (error: unknown): boolean => isPlatformError(error, 'WAREHOUSE_MISMATCH');

/** A batch of two shards over two hours: of one file some lines were repeats, of another all, a third has no rows. */
function worldWithBatch(): LakeWorld {
  const world = new LakeWorld();
  const files: LoadedFile[] = [
    world.stage('shard-1', [eventAt('a', 0), eventAt('b', 1), eventAt('c', 2)]),
    world.stage('shard-0', [eventAt('d', 0), eventAt('a', 0), eventAt('e', 3)], [1, 3]),
    world.stage('shard-0', [eventAt('d', 0), eventAt('b', 1)], []),
    world.stageNothing('shard-1'),
  ];
  world.commit('batch-1', files);
  return world;
}

const objectsOf = (world: LakeWorld): Map<string, Buffer> => new Map([...world.store.objects].filter(([key]) => key.startsWith('lake/')));

const sizeOf = (world: LakeWorld, file: LoadedFile | undefined): number => world.store.objects.get(file?.object ?? '')?.length ?? 0;

async function bookingsIn(world: LakeWorld): Promise<unknown[]> {
  const parquet = [...objectsOf(world)].filter(([key]) => key.endsWith('.parquet'));
  const rows = await readParquet(parquet, `SELECT booking_id FROM 'FOLDER/lake/booking_event/*/*/*.parquet' ORDER BY ALL`);
  return rows.map((row) => row['booking_id']);
}

describe('lake writer', () => {
  it('copies what a batch inserted, by hour, and writes the marker last', async () => {
    const world = worldWithBatch();
    const marker = await world.writer().write('batch-1');
    const folder = 'lake/booking_event/dt=2026-07-05';
    assert.deepEqual(world.lake, [
      `${folder}/hour=22/batch-1-0.parquet`,
      `${folder}/hour=23/batch-1-0.parquet`,
      'lake/batches/batch-1.json',
    ]);
    assert.deepEqual(JSON.parse(String(world.store.objects.get('lake/batches/batch-1.json'))), {
      batchId: 'batch-1',
      files: 4,
      rows: 5,
      objects: [
        { key: `${folder}/hour=22/batch-1-0.parquet`, rows: 2 },
        { key: `${folder}/hour=23/batch-1-0.parquet`, rows: 3 },
      ],
    });
    assert.equal(marker.rows, 5);
    assert.deepEqual(await bookingsIn(world), ['a', 'b', 'c', 'd', 'e']);
    assert.equal(world.sessions, 0);
    assert.equal(world.calls.filter((call) => call.startsWith('read')).length, 2, 'a file of repeats alone is not read');
  });

  it('writes the same objects after a crash at any call, before or after it was done', async () => {
    const plain = worldWithBatch();
    await plain.writer().write('batch-1');
    const expected = objectsOf(plain);
    assert.ok(plain.calls.length >= 8, plain.calls.join());
    for (let at = 1; at <= plain.calls.length; at++) {
      for (const when of ['before', 'after'] as const) {
        const world = worldWithBatch();
        world.fault = { at, when };
        await assert.rejects(world.writer().write('batch-1'));
        assert.equal(world.sessions, plain.calls[at - 1] === 'connect' && when === 'after' ? 1 : 0);
        if (await isInLake(world.store, 'batch-1'))
          assert.deepEqual(objectsOf(world), expected, `marked too early by ${plain.calls[at - 1]}`);
        await world.writer().write('batch-1');
        assert.deepEqual(objectsOf(world), expected, `${when} ${plain.calls[at - 1]}`);
      }
    }
  });

  it('gives up where it stands when the task stops, and the next one goes on', async () => {
    const plain = worldWithBatch();
    let yields = 0;
    plain.onYield = async () => void (yields += 1);
    await plain.writer().write('batch-1');
    assert.equal(yields, 2);
    for (let at = 1; at <= yields; at++) {
      const world = worldWithBatch();
      const stopping = new AbortController();
      let seen = 0;
      world.onYield = async () => void (++seen === at && stopping.abort());
      await assert.rejects(world.writer(stopping.signal).write('batch-1'), { name: 'AbortError' });
      assert.equal(await isInLake(world.store, 'batch-1'), false);
      await world.writer().write('batch-1');
      assert.deepEqual(objectsOf(world), objectsOf(plain));
    }
  });

  it('is harmless when two tasks write the same batch at the same time', async () => {
    const alone = worldWithBatch();
    await alone.writer().write('batch-1');
    const world = worldWithBatch();
    const markers = await Promise.all([world.writer().write('batch-1'), world.writer().write('batch-1')]);
    assert.deepEqual(markers[0], markers[1]);
    assert.deepEqual(objectsOf(world), objectsOf(alone));
  });

  it('writes a large batch in parts, each of whole files in their order', async () => {
    const world = new LakeWorld();
    const files = [1, 2, 3, 4].map((file) => world.stage('shard-0', [eventAt(`${file}-0`, 0), eventAt(`${file}-1`, 3_600)]));
    world.commit('batch-1', [...files].reverse());
    world.partBytes = sizeOf(world, files[0]) + sizeOf(world, files[1]);
    const marker = await world.writer().write('batch-1');
    const bookings = await bookingsIn(world);
    assert.deepEqual(
      marker.objects.map(({ key, rows }) => [key.split('/').slice(-2).join('/'), rows]),
      [
        ['hour=22/batch-1-0.parquet', 2],
        ['hour=23/batch-1-0.parquet', 2],
        ['hour=22/batch-1-1.parquet', 2],
        ['hour=23/batch-1-1.parquet', 2],
      ],
    );
    assert.deepEqual(
      bookings,
      [1, 2, 3, 4].flatMap((file) => [`${file}-0`, `${file}-1`]),
    );
    world.partBytes = 1;
    world.commit('batch-2', files);
    assert.equal((await world.writer().write('batch-2')).objects.length, 8, 'a file larger than a part is a part');
  });

  it('cuts parts as it always did: a batch that is half written must not get others', () => {
    assert.equal(partBytes, 16_777_216);
  });

  it('marks a batch that inserted nothing', async () => {
    const world = new LakeWorld();
    world.commit('batch-1', [world.stageNothing('shard-0')]);
    assert.deepEqual(await world.writer().write('batch-1'), { batchId: 'batch-1', files: 1, rows: 0, objects: [] });
    assert.deepEqual(world.lake, ['lake/batches/batch-1.json']);
  });

  it('marks nothing whose rows are not those that were loaded', async () => {
    const damaged = async (damage: (world: LakeWorld, key: string) => void, code: (error: unknown) => boolean): Promise<void> => {
      const world = worldWithBatch();
      damage(world, 'stage/file-1.csv.gz');
      await assert.rejects(world.writer().write('batch-1'), code);
      assert.equal(await isInLake(world.store, 'batch-1'), false);
      assert.equal(world.sessions, 0);
    };
    await damaged(
      (world, key) => world.store.objects.delete(key),
      (error) => isPlatformError(error, 'OBJECT_MISSING'),
    );
    await damaged((world, key) => world.store.objects.set(key, Buffer.from('not gzip')), mismatch);
    await damaged((world, key) => world.store.objects.set(key, world.store.objects.get('stage/file-2.csv.gz') ?? Buffer.of()), mismatch);
    await damaged(({ batches }) => {
      const [file, ...rest] = batches.get('batch-1')?.files ?? [];
      assert(file);
      batches.set('batch-1', { loadedAt: 0, files: [{ ...file, copied: 4, lines: [1, 2, 3, 4] }, ...rest] });
    }, mismatch);
    await assert.rejects(worldWithBatch().writer().write('batch-2'), (error) => isPlatformError(error, 'INTERNAL'));
  });
});
