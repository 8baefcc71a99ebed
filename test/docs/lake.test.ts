import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventsKey, hourOf, markerKey } from '../../services/lib/lake/layout.ts';
import { FileStore } from '../../services/lib/objects/file-store.ts';
import { LakeWorld } from '../services/redshift-loader/lake/lake-world.ts';
import { bookingEventOf } from '../services/redshift-loader/memory.ts';
import { duckdb } from '../support/duckdb.ts';

const page = readFileSync(new URL('../../docs/lake.md', import.meta.url), 'utf8');
const blockOf = (kind: string): string => new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1] ?? '';

describe('docs/lake.md', () => {
  it('names the keys as they are', () => {
    const layout = blockOf('text');
    assert.ok(layout.includes(eventsKey('<batch>', 0, hourOf('2026-07-05 07:00:00.000')).replace('-0.parquet', '-<part>.parquet')));
    assert.ok(layout.includes(markerKey('<batch>')));
  });

  it('shows how to ask DuckDB, and what it answers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'docs-lake-'));
    try {
      const objects = join(folder, 'objects');
      const world = new LakeWorld();
      const at = (time: string) => ({ occurredAt: Date.parse(`2026-07-05T${time}Z`) });
      const events = [
        bookingEventOf('a', 1, at('07:10:00')),
        bookingEventOf('b', 1, at('07:59:59.999')),
        bookingEventOf('a', 2, { ...at('07:20:00'), type: 'cancelled' }),
        bookingEventOf('c', 1, at('08:00:00')),
        bookingEventOf('d', 1, { ...at('08:00:00'), currency: 'JPY' }),
        bookingEventOf('e', 1, { occurredAt: Date.parse('2026-07-06T07:00:00Z') }),
      ];
      world.commit('batch-1', [world.stage('shard-0', events)]);
      await world.writer().write('batch-1');
      const store = new FileStore(objects);
      for (const [key, body] of world.store.objects) await store.create(key, body);
      execFileSync('bash', ['-euo', 'pipefail', '-c', blockOf('sh local')], { cwd: folder, env: { ...process.env, OBJECTS: objects } });
      const rows = await duckdb(blockOf('sql local').replace('lake-copy/', `${folder}/lake-copy/`));
      const lines = rows.map(({ dt, ...rest }) => [(dt as Date).toISOString().slice(0, 10), ...Object.values(rest)].join(' '));
      const answer = blockOf('text answer').trimEnd();
      assert.deepEqual(lines, answer.replaceAll(/ +/g, ' ').split('\n'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
