import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { ObjectInfo, ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';

export async function listed(store: ObjectStore, prefix: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of store.list(prefix)) found.push(info);
  return found;
}

export const keysOf = async (store: ObjectStore, prefix: string): Promise<string[]> =>
  (await listed(store, prefix)).map((info) => info.key);
const code = (expected: string) => (error: unknown) => error instanceof PlatformError && error.code === expected;

/** What every object store must do. `open` gives an empty one. */
export function objectStoreContract(open: () => ObjectStore): void {
  it('gives back the bytes of an object, its size and its SHA-256', async () => {
    const store = open();
    const body = randomBytes(100_000);
    const before = Date.now();
    assert.equal(await store.create('a/b.bin', body), 'created');
    assert.deepEqual(await store.read('a/b.bin'), body);
    const head = await store.head('a/b.bin');
    assert.equal(head?.key, 'a/b.bin');
    assert.equal(head.size, 100_000);
    assert.equal(head.sha256, createHash('sha256').update(body).digest('hex'));
    assert.ok(Math.abs(head.modifiedAtMs - before) < 60_000);
  });

  it('holds an empty object', async () => {
    const store = open();
    await store.create('empty', Buffer.alloc(0));
    assert.equal((await store.read('empty')).length, 0);
    assert.equal((await store.head('empty'))?.size, 0);
  });

  it('never overwrites', async () => {
    const store = open();
    assert.equal(await store.create('k', Buffer.from('first')), 'created');
    assert.equal(await store.create('k', Buffer.from('second')), 'exists');
    assert.equal(String(await store.read('k')), 'first');
  });

  it('lets one of many writers of a key win, and keeps its bytes', async () => {
    const store = open();
    const bodies = Array.from({ length: 10 }, (_, i) => Buffer.alloc(50_000, i));
    const outcomes = await Promise.all(bodies.map((body) => store.create('race/k', body)));
    assert.equal(outcomes.filter((outcome) => outcome === 'created').length, 1);
    assert.deepEqual(await store.read('race/k'), bodies[outcomes.indexOf('created')]);
    assert.deepEqual(await keysOf(store, 'race/'), ['race/k']);
  });

  it('says that an object is missing', async () => {
    const store = open();
    await store.create('folder/k', Buffer.from('x'));
    assert.equal(await store.head('none'), undefined);
    assert.equal(await store.head('folder'), undefined);
    await assert.rejects(store.read('none'), code('OBJECT_MISSING'));
    await assert.rejects(store.read('folder'), code('OBJECT_MISSING'));
  });

  it('deletes, also what is not there, and frees the key', async () => {
    const store = open();
    await store.create('a/k', Buffer.from('x'));
    await store.delete('a/k');
    await store.delete('a/k');
    assert.equal(await store.head('a/k'), undefined);
    assert.deepEqual(await keysOf(store, ''), []);
    assert.equal(await store.create('a/k', Buffer.from('y')), 'created');
  });

  it('lists in key order below any prefix, half a segment included', async () => {
    const store = open();
    const keys = ['a-b/x', 'a/1', 'a/10', 'a/2', 'a/z/y', 'a0', 'b/k.json'];
    await Promise.all([...keys].reverse().map((key) => store.create(key, Buffer.from(key))));
    assert.deepEqual(await keysOf(store, ''), keys);
    assert.deepEqual(await keysOf(store, 'a/'), ['a/1', 'a/10', 'a/2', 'a/z/y']);
    assert.deepEqual(await keysOf(store, 'a/1'), ['a/1', 'a/10']);
    assert.deepEqual(await keysOf(store, 'a'), keys.slice(0, 6));
    assert.deepEqual(await keysOf(store, 'none/'), []);
    const [first] = await listed(store, 'b/');
    assert.equal(first?.size, 'b/k.json'.length);
  });

  it('takes the characters that keys may have', async () => {
    const store = open();
    const key = 'state/fraud@booking-events@1700000000/shardId-000000000001/_A.b=c-9';
    await store.create(key, Buffer.from('x'));
    assert.deepEqual(await keysOf(store, 'state/fraud@'), [key]);
  });

  it('refuses keys outside the alphabet', async () => {
    const store = open();
    for (const key of ['', '/a', 'a/', 'a//b', '..', 'a/../b', './a', 'a b', 'ä', 'a\\b', 'a%2e', 'a\n', '~scratch/x', 'x'.repeat(256)]) {
      await assert.rejects(store.create(key, Buffer.from('x')), code('INTERNAL'), key);
      await assert.rejects(store.read(key), code('INTERNAL'), key);
      await assert.rejects(store.delete(key), code('INTERNAL'), key);
    }
    await assert.rejects(keysOf(store, '../'), code('INTERNAL'));
  });
}
