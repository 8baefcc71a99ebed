import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ObjectOutage } from '../../../../scripts/local/faults/object-outage.ts';
import { openObjectStore } from '../../../../services/lib/objects/open.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';

describe('an outage of the object store', () => {
  it('makes every call fail as one to be tried again, as often as it comes, and gives all objects back', async () => {
    const root = mkdtempSync(join(tmpdir(), 'outage-'));
    try {
      const folder = join(root, 'objects');
      mkdirSync(folder);
      const outage = new ObjectOutage(folder);
      const store = openObjectStore(pathToFileURL(folder).href, { AWS_REGION: 'us-east-1', LOCAL_MODE: true });
      await store.create('a/k', Buffer.from('x'));
      for (let round = 0; round < 2; round++) {
        outage.begin();
        for (const call of [
          () => store.read('a/k'),
          () => store.head('a/k'),
          () => store.create('b', Buffer.from('y')),
          () => store.delete('a/k'),
        ]) {
          await assert.rejects(call(), (error) => isPlatformError(error, 'OBJECT_UNAVAILABLE') && error.retriable);
        }
        outage.end();
        assert.equal(String(await store.read('a/k')), 'x');
        assert.equal(await store.head('b'), undefined);
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
