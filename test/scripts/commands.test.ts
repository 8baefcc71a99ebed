import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { commands } from '../../scripts/house/commands.ts';

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> };

describe('the commands', () => {
  it('that help lists are those of package.json', () => {
    assert.deepEqual(Object.keys(commands).sort(), Object.keys(scripts).sort());
  });

  for (const [name, line] of Object.entries(scripts)) {
    const script = `scripts/${name.replace(':', '-')}.ts`;
    it(`npm run ${name} is ${script}`, () => {
      assert.equal(line, `node scripts/run.mjs ${name}`);
      assert.ok(existsSync(new URL(`../../${script}`, import.meta.url)));
    });
  }
});
