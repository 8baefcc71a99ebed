import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Refused } from '../../../../scripts/drill/loader/refused.ts';
import { csvFile, eventFields } from '../../../../services/lib/warehouse/csv.ts';
import { bookingEventOf } from '../../../services/redshift-loader/memory.ts';

describe('the line that the warehouse is made to refuse', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'refused-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is one of the middle, the same wherever it is staged again, and no other changes', () => {
    const made = new Refused(join(folder, 'run'));
    const rows = Array.from({ length: 5 }, (_, i) => {
      const fields = eventFields(bookingEventOf(`b-${i}`, 1), 0);
      assert.equal(fields.kind, 'ok');
      return { line: i + 1, fields: fields.kind === 'ok' ? fields.value : '' };
    });
    const csv = csvFile('file', rows).toString();
    const program = `import { gzip, gunzipSync } from 'node:zlib';
      const csv = ${JSON.stringify(csv)};
      setTimeout(() => gzip(Buffer.from(csv), { level: 1 }, (_, first) => gzip(Buffer.from(csv), (_, second) =>
        process.stdout.write(JSON.stringify([gunzipSync(first).toString(), gunzipSync(second).toString()])))), 250);`;
    const env = { ...process.env, ...made.preload.build() };
    const run = (): string[] => {
      return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' })) as string[];
    };
    assert.deepEqual(run(), [csv, csv], 'not before it is armed');
    made.preload.arm();
    const lines = csv.split('\n');
    const spoiled = lines.map((line, i) => (i === 2 ? line.replace(',2,12900,', ',3000000000,12900,') : line)).join('\n');
    assert.notEqual(spoiled, csv);
    assert.deepEqual(run(), [spoiled, spoiled]);
    assert.deepEqual(run(), [spoiled, spoiled], 'by the next process too');
    assert.ok(lines[2]?.includes(made.preload.victim() ?? 'none'));
  });
});
