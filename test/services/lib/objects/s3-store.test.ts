import assert from 'node:assert/strict';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../../../../services/lib/objects/object-store.ts';
import { openObjectStore } from '../../../../services/lib/objects/open.ts';
import { S3Store } from '../../../../services/lib/objects/s3-store.ts';
import { PlatformError } from '../../../../services/lib/process/errors.ts';
import { requirePart } from '../../../support/optional.ts';
import { keysOf, objectStoreContract } from './contract.ts';
import { type S3Server, startS3Server } from './s3-server.ts';

const local = { AWS_REGION: 'us-east-1', LOCAL_MODE: true };

const s3Client = (endpoint: string): S3Client =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });

describe('object store on S3', function () {
  this.timeout(30_000);
  let server: S3Server | undefined;
  let count = 0;

  const open = (): ObjectStore => openObjectStore(`s3://objects/run/${count++}?endpoint=${server?.endpoint}`, local);

  before(async function () {
    requirePart(this, 's3');
    server = await startS3Server('objects');
  });
  after(async () => {
    await server?.close();
  });

  objectStoreContract(open);

  it('lists more than one page', async () => {
    const client = s3Client(server!.endpoint);
    const store = new S3Store(client, 'objects', 'paged/', 2);
    const keys = ['many/1', 'many/2', 'many/3', 'many/4', 'many/5'];
    for (const key of keys) await store.create(key, Buffer.from(key));
    assert.deepEqual(await keysOf(store, 'many/'), keys);
  });

  it('does not trust an object without a stored SHA-256', async () => {
    const store = open();
    const client = s3Client(server!.endpoint);
    await client.send(new PutObjectCommand({ Bucket: 'objects', Key: `run/${count - 1}/foreign`, Body: 'x' }));
    await assert.rejects(store.read('foreign'), (error) => error instanceof PlatformError && error.code === 'OBJECT_CORRUPT');
  });
});

describe('object store on an S3 that does not answer', () => {
  it('says OBJECT_UNAVAILABLE, to be tried again', async () => {
    const store = openObjectStore('s3://objects?endpoint=http://127.0.0.1:9', local);
    await assert.rejects(
      store.create('k', Buffer.from('x')),
      (error) => error instanceof PlatformError && error.code === 'OBJECT_UNAVAILABLE' && error.retriable,
    );
  });
});
