import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createView } from '../../services/lib/warehouse/ddl.ts';
import { views } from '../../services/lib/warehouse/views.ts';

const page = readFileSync(new URL('../../docs/kpis.md', import.meta.url), 'utf8');

describe('docs/kpis.md', () => {
  it('defines each view as the warehouse does', () => {
    for (const view of views) {
      assert(page.includes(`\n### ${view.name}\n\n> ${view.definition}\n\nSource: `), view.name);
      const [create = '', comment = ''] = createView(view);
      assert(create.startsWith(`-- ${view.definition}\nCREATE VIEW ${view.name} AS`));
      assert.equal(comment, `COMMENT ON VIEW ${view.name} IS '${view.definition}'`);
    }
    assert.equal([...page.matchAll(/^### /gm)].length, views.length);
  });
});
