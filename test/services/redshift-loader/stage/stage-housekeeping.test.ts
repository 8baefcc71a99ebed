import assert from 'node:assert/strict';
import { type Position, position, trimHorizon } from '../../../../services/lib/kcl/position.ts';
import { Metrics } from '../../../../services/lib/process/metrics.ts';
import type { Session } from '../../../../services/lib/warehouse/database.ts';
import type { FileRow } from '../../../../services/redshift-loader/registry/registry-rows.ts';
import { stageKey } from '../../../../services/redshift-loader/stage/stage-file.ts';
import { StageHousekeeping } from '../../../../services/redshift-loader/stage/stage-housekeeping.ts';
import { MemoryRegistry, MemoryStore } from '../memory.ts';

const at = (n: number): Position => (n === 0 ? trimHorizon : position(String(n)));
const shard = { application: 'loader', streamId: 'events@1', shardId: 's' };
const keyOf = (id: string, from: number, to: number): string => stageKey(shard, at(from), at(to), id);

function setUp() {
  const clock = { now: 1_000_000 };
  const registry = new MemoryRegistry();
  const store = new MemoryStore(() => clock.now);
  const metrics = new Metrics();
  /** Object → batch: what the ledger has. */
  const loaded = new Map<string, string>();
  const inLake = new Set<string>();
  const session: Session = {
    dialect: 'postgres',
    query: async (sql) => ({
      rows: [...loaded].filter(([object]) => sql.includes(`'${object}'`)).map(([object, batch_id]) => ({ object, batch_id })),
      affected: 0,
      command: 'SELECT',
    }),
    copyIn: async () => {},
    close: async () => {},
  };
  const parts = { ...shard, registry, objects: store, metrics, retentionMs: 1e9, orphanAgeMs: 1_000, now: () => clock.now };
  const housekeeping = new StageHousekeeping({ ...parts, inLake: async (batchId) => inLake.has(batchId) });
  const put = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await store.create(key, Buffer.from(key));
  };
  const append = async (id: string, from: number, to: number): Promise<FileRow> => {
    const key = keyOf(id, from, to);
    await put(key);
    const content = { rows: 1, csvBytes: 9, object: { key, size: 1, sha256: '' } };
    const file: FileRow = { shardId: 's', fileId: id, from: at(from), to: at(to), registeredAt: clock.now, ...content };
    await registry.append(file);
    return file;
  };
  const sweep = async (times = 1): Promise<string[]> => {
    for (let i = 0; i < times; i++) {
      clock.now += 60_000;
      assert(housekeeping.due);
      await housekeeping.run(session, new Map());
    }
    assert(!housekeeping.due);
    return [...store.objects.keys()].sort();
  };
  return { clock, registry, store, metrics, loaded, inLake, put, append, sweep };
}

describe('sweep of the stage', () => {
  it('removes what lost its append, and what was replaced; keeps what a file names and what may still be named', async () => {
    const t = setUp();
    const first = await t.append('a', 0, 5);
    await t.put(keyOf('lost', 0, 3), keyOf('lost-too', 2, 4), keyOf('new', 0, 5), keyOf('ahead', 5, 9), 'stage/loader/events@1/s/odd');
    const named = { ...first, object: { key: keyOf('new', 0, 5), size: 1, sha256: '' } };
    await t.registry.replaceObject(named, keyOf('a', 0, 5));
    assert.deepEqual(await t.sweep(), [keyOf('ahead', 5, 9), keyOf('new', 0, 5), 'stage/loader/events@1/s/odd'].sort());
    assert.equal(t.metrics.drain().counters.find(({ name }) => name === 'orphans_removed')?.value, 3);
    await t.append('b', 5, 8);
    assert.deepEqual(await t.sweep(), [keyOf('b', 5, 8), keyOf('new', 0, 5), 'stage/loader/events@1/s/odd'].sort());
  });

  it('reads the head before the row: an append in between makes no orphan', async () => {
    const t = setUp();
    await t.put(keyOf('a', 0, 5));
    const { registry } = t;
    const content = { rows: 1, csvBytes: 1, object: { key: keyOf('a', 0, 5), size: 1, sha256: '' } };
    // Whatever of the two is read first sees what was before it.
    const appendAfter = async <T>(read: Promise<T>): Promise<T> => {
      const seen = await read;
      await registry.append({ shardId: 's', fileId: 'a', from: at(0), to: at(5), registeredAt: 1, ...content });
      return seen;
    };
    const head = registry.head.bind(registry);
    const files = registry.files.bind(registry);
    registry.head = (shardId) => appendAfter(head(shardId));
    registry.files = (...args) => appendAfter(files(...args));
    await registry.append({ shardId: 's', fileId: 'none', from: at(0), to: at(0), rows: 0, csvBytes: 0, registeredAt: 1 });
    await registry.remove({ shardId: 's', fileId: 'none', from: at(0), to: at(0), rows: 0, csvBytes: 0, registeredAt: 1 });
    await t.sweep();
    assert(t.store.objects.has(keyOf('a', 0, 5)));
  });

  it('waits until an object is old', async () => {
    const t = setUp();
    await t.append('a', 0, 5);
    t.clock.now += 60_000;
    await t.put(keyOf('young', 0, 5));
    t.clock.now -= 60_000;
    assert.deepEqual(await t.sweep(), [keyOf('a', 0, 5), keyOf('young', 0, 5)].sort());
    assert.deepEqual(await t.sweep(), [keyOf('a', 0, 5)]);
  });

  it('keeps a loaded object that its row does not name any more until it is in the lake', async () => {
    const t = setUp();
    await t.append('a', 0, 5);
    await t.put(keyOf('loaded', 0, 5));
    t.loaded.set(keyOf('loaded', 0, 5), 'batch-1');
    assert.equal((await t.sweep()).length, 2);
    t.inLake.add('batch-1');
    assert.deepEqual(await t.sweep(), [keyOf('a', 0, 5)]);
  });

  it('takes one shard after the other, a bounded number of objects at a time, and goes on where it stopped', async () => {
    const t = setUp();
    await t.registry.append({ shardId: 'a', fileId: 'x', from: at(0), to: at(1), rows: 0, csvBytes: 0, registeredAt: 1 });
    for (let n = 0; n < 150; n++) await t.append(`f${String(n).padStart(3, '0')}`, n, n + 1);
    await t.put(keyOf('zz', 0, 1));
    assert.equal((await t.sweep(2)).length, 151, 'its turn came after the other shard, and it is the 151st of its own');
    assert.equal((await t.sweep(1)).length, 151);
    assert.equal((await t.sweep(1)).length, 150);
    const reads: string[] = [];
    const files = t.registry.files.bind(t.registry);
    t.registry.files = async (...args) => {
      reads.push(args[0]);
      return files(...args);
    };
    await t.sweep(2);
    assert.equal(reads.length, 100);
  });

  it('removes manifests and objects of alerts that a committer left behind', async () => {
    const t = setUp();
    await t.append('a', 0, 5);
    await t.put('stage/manifest/x.json');
    await t.put('stage/alerts/x.csv.gz');
    assert.deepEqual(await t.sweep(), [keyOf('a', 0, 5)]);
  });
});
