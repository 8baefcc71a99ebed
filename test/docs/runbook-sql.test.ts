import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { trimHorizon } from '../../services/lib/kcl/position.ts';
import { rebuildFromEvents } from '../../services/lib/warehouse/calendar.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../support/pglite-warehouse.ts';
import { root } from './markdown.ts';

const position = `${'7'.padStart(129, '0')}.0000000000`;

/** The page's statements, in Postgres' words: `rows` are what COPY brings. */
function statementsOf(page: string, rows: string): string {
  const text = readFileSync(join(root, 'docs/runbooks', page), 'utf8');
  const blocks = [...text.matchAll(/^```sql\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '').join('');
  assert.match(blocks, /^BEGIN;\nUPDATE load_gate SET n = n \+ 1;[\s\S]*COMMIT;\n$/);
  const copies = blocks.split(/^COPY by_hand FROM .*;$/m);
  assert.equal(copies.length, 2);
  return copies
    .join(`INSERT INTO by_hand VALUES ${rows};`)
    .replace('JSON_PARSE(extra)', 'CAST(extra AS JSONB)')
    .replace("'OLDEST'", `'${position}'`)
    .replace("'STANDS'", `'${trimHorizon}'`);
}

const row = (file: string, line: number, booking: string, version: number): string =>
  `('${file}', ${line}, '${booking}', ${version}, 'e-${booking}-${version}', 'reserved', 'u', 'rome', '2026-03-29 22:30', 2, 500, 'EUR', 'web', 'sdk', NULL, '{"a": 1}', '2026-03-29 22:31')`;

describe('statements of a runbook', function () {
  this.timeout(60_000);
  let warehouse: PGliteWarehouse;
  before(async () => {
    warehouse = await openPGliteWarehouse();
  });
  after(() => warehouse.db.close());
  const rows = async (sql: string): Promise<unknown[]> => (await warehouse.db.query(sql)).rows;

  for (const [page, files] of [
    ['load-gap.md', ['f', 'g']],
    ['lines-refused.md', ['f', 'by hand']],
  ] as const) {
    it(`${page} brings each event once, and a rebuild its booking and figures`, async () => {
      await warehouse.db.exec('DELETE FROM booking_event; DELETE FROM load_watermark; DROP TABLE IF EXISTS by_hand, repeats');
      await warehouse.db.exec(`INSERT INTO booking_event VALUES ${row('f', 1, 'a', 1)}`);
      await warehouse.db.exec(`INSERT INTO load_watermark VALUES ('APPLICATION', 'STREAM', 'SHARD', '${trimHorizon}')`);
      await warehouse.db.exec(
        statementsOf(page, [row('g', 1, 'a', 1), row('g', 2, 'a', 2), row('g', 3, 'a', 2), row('g', 4, 'b', 1)].join(', ')),
      );
      await rebuildFromEvents(warehouse.database);
      assert.deepEqual(await rows('SELECT file_id AS file, line, extra FROM booking_event ORDER BY line'), [
        { file: files[0], line: 1, extra: { a: 1 } },
        { file: files[1], line: 2, extra: { a: 1 } },
        { file: files[1], line: 4, extra: { a: 1 } },
      ]);
      assert.deepEqual(await rows('SELECT booking_id AS id, version AS v FROM booking ORDER BY booking_id'), [
        { id: 'a', v: 2 },
        { id: 'b', v: 1 },
      ]);
      assert.deepEqual(await rows('SELECT reserved FROM kpi_hourly'), [{ reserved: 3 }]);
      const moved = page === 'load-gap.md' ? position : trimHorizon;
      assert.deepEqual(await rows('SELECT position FROM load_watermark'), [{ position: moved }]);
    });
  }
});
