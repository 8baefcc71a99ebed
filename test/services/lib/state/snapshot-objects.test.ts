import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as otherWork } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { position } from '../../../../services/lib/kcl/position.ts';
import { FileStore } from '../../../../services/lib/objects/file-store.ts';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { type SnapshotName, SnapshotObjects, UnusableSnapshot } from '../../../../services/lib/state/snapshot-objects.ts';
import type { SnapshotRef } from '../../../../services/lib/state/state-row.ts';
import { MemoryObjects, objectsAway } from './memory.ts';
import { Rig, scope } from './rig.ts';

const shardId = 'shardId-000000000000';
const name: SnapshotName = { epoch: 7, position: position('1200', 3), generation: 2 };
const meta = { note: 'beside the frames' };
const MiB = 1_048_576;
const { patience } = new Rig([], () => assert.fail('no model'));
const never = new AbortController().signal;

/** Two parts and a little: each 8 MiB and more of raw bytes, few when compressed. */
const large = [Buffer.alloc(5 * MiB, 'a'), Buffer.alloc(4 * MiB, 'b'), Buffer.alloc(9 * MiB, 'c'), Buffer.from('the end')];
const twoParts = [...large.slice(0, 2), Buffer.from('the end')];
const small = [Buffer.from('one'), Buffer.from('two')];

const objectsOn = (store: ObjectStore): SnapshotObjects => new SnapshotObjects(store, scope, patience);

async function written(store: ObjectStore, frames: readonly Buffer[]): Promise<SnapshotRef> {
  return { ...name, ...(await objectsOn(store).write(shardId, name, { meta, frames }, never)), writtenAt: 1 };
}

async function readBack(store: ObjectStore, ref: SnapshotRef): Promise<{ content: Buffer; meta: unknown; generation: number }> {
  const { frames, ...rest } = await objectsOn(store).open(shardId, ref);
  const chunks: Uint8Array[] = [];
  for await (const chunk of frames) chunks.push(chunk);
  return { ...rest, content: Buffer.concat(chunks) };
}

const isUnusable = (error: unknown): boolean => error instanceof UnusableSnapshot && error.shardId === shardId;

/** The same numbers each time. */
function* numbers(seed: number): Generator<number> {
  for (let x = seed; ; ) yield (x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0);
}

describe('snapshot objects', () => {
  for (const [size, frames, parts] of [
    ['small', small, 1],
    ['large', large, 3],
  ] as const) {
    it(`give back a ${size} snapshot, in ${parts} part${parts > 1 ? 's' : ''} under one name`, async () => {
      const store = new MemoryObjects();
      const ref = await written(store, frames);
      assert.equal(ref.parts, parts);
      assert.equal(
        ref.bytes,
        [...store.bodies.values()].reduce((sum, { length }) => sum + length, 0),
      );
      const prefix = `state/app/stream@1790000000/${shardId}/0000000007/${name.position}/2/`;
      assert.deepEqual(
        [...store.bodies.keys()],
        Array.from({ length: parts }, (_, i) => `${prefix}0000${i}.gz`),
      );
      const found = await readBack(store, ref);
      assert.ok(found.content.equals(Buffer.concat(frames)));
      assert.deepEqual([found.meta, found.generation], [meta, 2]);
    });
  }

  it('may be empty but for their head', async () => {
    const store = new MemoryObjects();
    assert.equal((await readBack(store, await written(store, []))).content.length, 0);
  });

  it('let other work run between two frames, and stop when told to', async () => {
    const stop = new AbortController();
    const store = new MemoryObjects();
    let made = 0;
    function* frames(): Generator<Buffer> {
      for (; made < 1_000; made++) yield Buffer.from('frame');
    }
    setImmediate(() => stop.abort(new Error('abandoned')));
    await assert.rejects(objectsOn(store).write(shardId, name, { meta, frames: frames() }, stop.signal), /abandoned/);
    assert.ok(made < 10, `${made} frames were made`);
    assert.equal(store.bodies.size, 0);
  });

  it('are written once, though an answer is lost or the store is away for a while', async () => {
    let calls = 0;
    const store = new MemoryObjects(new Map(), (_call, when) => {
      if (when === (calls < 3 ? 'before' : 'after') && calls++ < 5) throw objectsAway();
    });
    const ref = await written(store, small);
    assert.ok(calls >= 5);
    assert.deepEqual((await readBack(store, ref)).content, Buffer.concat(small));
    assert.equal(store.bodies.size, 1);
  });

  it('are unusable under another name than they were written under', async () => {
    const store = new MemoryObjects();
    const ref = await written(store, small);
    const [key = '', body = Buffer.alloc(0)] = [...store.bodies][0] ?? [];
    const others = [
      { ...ref, epoch: 8 },
      { ...ref, position: position('1201') },
      { ...ref, generation: 3 },
    ];
    for (const other of others) {
      const place = `${String(other.epoch).padStart(10, '0')}/${other.position}/${other.generation}/`;
      store.bodies.set(key.replace(/\d{10}\/[^/]+\/\d+\/(?=\d+\.gz)/, place), body);
      await assert.rejects(readBack(store, other), isUnusable, place);
    }
    store.bodies.set(key.replace(shardId, 'shardId-000000000001'), body);
    await assert.rejects(objectsOn(store).open('shardId-000000000001', ref), /shardId-000000000000/);
  });

  it('are unusable when their head is no JSON, or no object', async () => {
    const store = new MemoryObjects();
    const ref = await written(store, small);
    const [key = ''] = store.bodies.keys();
    for (const head of ['null', '7', '"text"', '[]', '{}', '{', '']) {
      store.bodies.set(key, gzipSync(`${head}\n`));
      await assert.rejects(objectsOn(store).open(shardId, ref), isUnusable, head);
    }
  });

  it('are unusable when a part is missing, whichever', async () => {
    const whole = new MemoryObjects();
    const ref = await written(whole, large);
    for (const missing of whole.bodies.keys()) {
      const store = new MemoryObjects(new Map([...whole.bodies].filter(([key]) => key !== missing)));
      await assert.rejects(readBack(store, ref), isUnusable, missing);
    }
  });

  it('are unusable, and no process dies of it, when a part turns out to be missing while the one before is still in use', async () => {
    const store = new MemoryObjects();
    const ref = await written(store, twoParts);
    store.bodies.delete([...store.bodies.keys()][1] ?? '');
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.prependListener('unhandledRejection', note);
    try {
      const used = objectsOn(store).use(shardId, ref, async ({ frames }) => {
        for await (const _ of frames) for (let turn = 0; turn < 10; turn++) await otherWork();
      });
      await assert.rejects(used, isUnusable);
    } finally {
      process.off('unhandledRejection', note);
    }
    assert.deepEqual(unhandled, []);
  });

  it('are unusable when the row names parts that cannot be', async () => {
    const store = new MemoryObjects();
    const ref = await written(store, small);
    for (const parts of [0, 2, 3_000, 0.5]) await assert.rejects(readBack(store, { ...ref, parts }), isUnusable, String(parts));
  });

  it('do not blame a snapshot for a store that is away, but wait', async () => {
    let failures = 5;
    const bodies = new Map<string, Buffer>();
    const ref = await written(new MemoryObjects(bodies), small);
    const store = new MemoryObjects(bodies, () => {
      if (failures-- > 0) throw objectsAway();
    });
    assert.deepEqual((await readBack(store, ref)).content, Buffer.concat(small));
    const broken = new MemoryObjects(bodies, () => {
      throw new TypeError('a defect');
    });
    await assert.rejects(readBack(broken, ref), (error) => !isUnusable(error));
  });

  it('make unusable what the reader of their frames finds unsound', async () => {
    const store = new MemoryObjects();
    const ref = await written(store, small);
    const use = (error: Error) =>
      objectsOn(store).use(shardId, ref, async () => {
        throw error;
      });
    await assert.rejects(use(new SyntaxError('unexpected token')), isUnusable);
    await assert.rejects(use(new TypeError('a defect')), (error) => !isUnusable(error));
  });

  it('find what earlier epochs left, of this shard only', async () => {
    const store = new MemoryObjects();
    const objects = objectsOn(store);
    for (const epoch of [6, 7, 8]) await objects.write(shardId, { ...name, epoch }, { meta, frames: small }, never);
    await objects.write(`${shardId}0`, { ...name, epoch: 1 }, { meta, frames: small }, never);
    const found = await objects.writtenBefore(shardId, 8);
    assert.deepEqual(
      found.map((part) => part.name),
      [6, 7].map((epoch) => ({ ...name, epoch })),
    );
    for (const part of found) await objects.deletePart(part);
    assert.equal(store.bodies.size, 2);
  });

  describe('that are damaged', () => {
    /** What a flip leaves as it was is sound: gunzip passes over the time and the system, and a run of zeros can be told in many ways. */
    it('are unusable or say the same, whatever bit of any part is flipped, though the store does not look', async () => {
      const random = numbers(1);
      const next = (below: number): number => (random.next().value ?? 0) % below;
      let [unusable, same] = [0, 0];
      for (const [frames, rounds] of [
        [small, 150],
        [twoParts, 6],
      ] as const) {
        const store = new MemoryObjects();
        const ref = await written(store, frames);
        for (const [key, body] of store.bodies) {
          for (let round = 0; round < rounds; round++) {
            const [byte, bit] = [next(body.length), next(8)];
            const flipped = Buffer.from(body);
            flipped[byte] = (flipped[byte] ?? 0) ^ (1 << bit);
            store.bodies.set(key, flipped);
            const outcome = await readBack(store, ref).then((found) => found, isUnusable);
            const where = `${key} byte ${byte} bit ${bit}`;
            if (outcome === true) unusable++;
            else if (typeof outcome === 'object' && outcome.content.equals(Buffer.concat(frames))) same++;
            else assert.fail(where);
            if (typeof outcome === 'object') assert.deepEqual(outcome.meta, meta, where);
          }
          store.bodies.set(key, body);
        }
      }
      assert.ok(unusable > 5 * same, `${unusable} unusable, ${same} the same`);
    });

    it('are unusable, wherever any part is cut off', async () => {
      const store = new MemoryObjects();
      const ref = await written(store, twoParts);
      for (const [key, body] of store.bodies) {
        for (const length of [0, 10, Math.floor(body.length / 2), body.length - 1]) {
          store.bodies.set(key, body.subarray(0, length));
          await assert.rejects(readBack(store, ref), isUnusable, `${key} ${length} of ${body.length}`);
        }
        store.bodies.set(key, body);
      }
      assert.ok((await readBack(store, ref)).content.equals(Buffer.concat(twoParts)), 'and well again');
    });

    it('are unusable when a part holds far more than one ever does', async () => {
      const bodies = new Map<string, Buffer>();
      const ref = await written(new MemoryObjects(bodies), [Buffer.alloc(17 * MiB)]);
      await assert.rejects(readBack(new MemoryObjects(bodies), ref), isUnusable);
    });

    it('are unusable on the disk too, whatever byte or end of a file is changed', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'snapshots-'));
      try {
        const store = new FileStore(folder);
        const ref = await written(store, small);
        const path = join(folder, `state/app/stream@1790000000/${shardId}/0000000007/${name.position}/2/00000.gz`);
        const file = await readFile(path);
        for (let byte = 0; byte < file.length; byte += 5) {
          const changed = Buffer.from(file);
          changed[byte] = (changed[byte] ?? 0) ^ 0x10;
          await writeFile(path, changed);
          await assert.rejects(readBack(store, ref), isUnusable, `byte ${byte}`);
        }
        await writeFile(path, file);
        for (const length of [file.length - 1, 80, 71, 0]) {
          await truncate(path, length);
          await assert.rejects(readBack(store, ref), isUnusable, `${length} bytes`);
        }
        await rm(path);
        await assert.rejects(readBack(store, ref), isUnusable, 'missing');
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  });
});
