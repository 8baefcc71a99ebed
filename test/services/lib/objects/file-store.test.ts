import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../../../services/lib/objects/open.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { keysOf, objectStoreContract } from './contract.ts';

const local = { AWS_REGION: 'us-east-1', LOCAL_MODE: true };

const unavailable = (error: unknown) => error instanceof PlatformError && error.code === 'OBJECT_UNAVAILABLE' && error.retriable;

describe('object store in a folder', () => {
  let root: string;
  let count = 0;
  let folder: string;

  const open = (): ObjectStore => {
    folder = join(root, String(count++));
    return openObjectStore(pathToFileURL(folder).href, local);
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'objects-'));
  });
  after(async () => {
    await rm(root, { recursive: true });
  });

  objectStoreContract(open);

  it('notices an object whose bytes were changed or cut', async () => {
    const store = open();
    await store.create('k', Buffer.from('some bytes'));
    const whole = await readFile(join(folder, 'k'));
    for (const damaged of [Buffer.concat([whole, Buffer.from('x')]), whole.subarray(0, -1), whole.subarray(0, 10), Buffer.alloc(0)]) {
      await writeFile(join(folder, 'k'), damaged);
      await assert.rejects(store.read('k'), (error) => error instanceof PlatformError && error.code === 'OBJECT_CORRUPT');
    }
  });

  it('neither lists nor leaves what a killed writer had begun', async () => {
    const store = open();
    await mkdir(join(folder, '~scratch'), { recursive: true });
    await writeFile(join(folder, '~scratch', 'half'), 'sha256:');
    await store.create('k', Buffer.from('x'));
    assert.deepEqual(await keysOf(store, ''), ['k']);
    assert.deepEqual(await readdir(join(folder, '~scratch')), ['half']);
  });

  it('says OBJECT_UNAVAILABLE, to be tried again, when the folder cannot be written', async () => {
    const store = open();
    await writeFile(folder, 'a file where the folder should be');
    await assert.rejects(store.create('a/k', Buffer.from('x')), unavailable);
  });

  it('says of no key that it is missing while its own folder is away, and has them all once it is back', async () => {
    const store = open();
    await store.create('a/k', Buffer.from('x'));
    await rename(folder, `${folder}.away`);
    await writeFile(folder, 'a file where the folder should be');
    for (const key of ['a/k', 'k', 'a/b/c']) {
      await assert.rejects(store.read(key), unavailable, key);
      await assert.rejects(store.head(key), unavailable, key);
      await assert.rejects(store.delete(key), unavailable, key);
    }
    for (const prefix of ['', 'a/', 'k']) await assert.rejects(keysOf(store, prefix), unavailable, prefix);
    await rm(folder);
    await rename(`${folder}.away`, folder);
    assert.deepEqual([await keysOf(store, ''), String(await store.read('a/k'))], [['a/k'], 'x']);
  });

  it('has no key below another object', async () => {
    const store = open();
    await store.create('a/k', Buffer.from('x'));
    await assert.rejects(store.read('a/k/b/c'), (error) => error instanceof PlatformError && error.code === 'OBJECT_MISSING');
    assert.equal(await store.head('a/k/b'), undefined);
    await store.delete('a/k/b');
    assert.deepEqual([await keysOf(store, 'a/k/b'), await keysOf(store, '')], [[], ['a/k']]);
  });
});

describe('opening an object store', () => {
  const refuses = (url: string, aws = local): void => {
    assert.throws(
      () => openObjectStore(url, aws),
      (error) => error instanceof PlatformError && error.code === 'CONFIG_INVALID' && error.message.includes('OBJECTS_URL'),
      url,
    );
  };

  it('refuses what is neither a folder nor a bucket', () => {
    for (const url of [
      '',
      'x',
      '/tmp/x',
      'file:///',
      'file://host/dir',
      'file:///dir?x=1',
      'http://127.0.0.1/',
      's3://B_/x',
      's3://bucket/a b/c',
    ]) {
      refuses(url);
    }
  });

  it('reaches no bucket but one on loopback in local mode, and no other endpoint outside it', () => {
    refuses('s3://bucket/prefix');
    refuses('s3://bucket/prefix?endpoint=http://example.com');
    refuses('s3://bucket/prefix?endpoint=http://127.0.0.1:1', { AWS_REGION: 'us-east-1', LOCAL_MODE: false });
    openObjectStore('s3://bucket/prefix?endpoint=http://127.0.0.1:1', local);
    openObjectStore('s3://bucket', { AWS_REGION: 'us-east-1', LOCAL_MODE: false });
  });
});
