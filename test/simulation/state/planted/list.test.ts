import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { planted as plantedInLoader } from '../../loader/planted/list.ts';
import { planted as plantedInState } from './list.ts';

/** `npm run sim -- --planted` plants and looks for them; that takes minutes. */
describe('planted bugs', () => {
  for (const { name, edits } of [...plantedInState, ...plantedInLoader]) {
    it(`can be planted: ${name}`, async () => {
      for (const { file, find, replace } of edits) {
        const text = await readFile(new URL(`../../../../${file}`, import.meta.url), 'utf8');
        assert.equal(text.split(find).length, 2, `${file} must hold exactly once: ${find}`);
        assert.notEqual(find, replace);
      }
    });
  }
});
