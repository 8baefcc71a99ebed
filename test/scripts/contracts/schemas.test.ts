import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { contractFiles } from '../../../scripts/contracts/schemas.ts';

const root = new URL('../../../', import.meta.url);

describe('docs/contracts', () => {
  it('holds exactly what the code enforces (npm run contracts writes it)', async () => {
    const files = contractFiles();
    const committed = (await readdir(new URL('docs/contracts/', root))).map((name) => `docs/contracts/${name}`);
    assert.deepEqual(committed.filter((path) => path.endsWith('.json')).sort(), [...files.keys()].sort());
    for (const [path, content] of files) assert.equal(await readFile(new URL(path, root), 'utf8'), content, path);
  });
});
