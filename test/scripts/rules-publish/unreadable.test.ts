import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { putIntact } from '../../../scripts/rules-publish/unreadable.ts';
import { FileStore } from '../../../services/lib/objects/file-store.ts';
import { DynamoRulesStore } from '../../../services/lib/rules/live/dynamo-rules-store.ts';

describe('a rules file in the object store', () => {
  it('is replaced when it holds other bytes than its name says, since what is there is never written over', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rules-file-'));
    try {
      const objects = new FileStore(folder);
      const store = new DynamoRulesStore({} as DynamoDBClient, 'fraud-rules', objects);
      const bytes = Buffer.from('{"rules":[]}');
      const hash = await store.putRules(bytes);
      for (const spoil of [
        () => writeFile(join(folder, `rules/${hash}.json`), 'torn'),
        async () => {
          await objects.delete(`rules/${hash}.json`);
          await objects.create(`rules/${hash}.json`, Buffer.from('whole, but other bytes'));
        },
      ]) {
        await spoil();
        await assert.rejects(store.readRules(hash), { code: 'OBJECT_CORRUPT' });
        await putIntact(store, bytes);
        assert.deepEqual(await store.readRules(hash), bytes);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
