import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchors, codeSpans, isExternal, linkTargets, namesPath, npmScripts, type Page, pages, root, withoutFences } from './markdown.ts';

const all = pages();
const byPath = new Map(all.map((page) => [page.path, page]));
const readme = byPath.get('README.md');
const packageScripts = Object.keys(
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }).scripts,
);

function brokenLink(page: Page, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page.path : normalize(join(dirname(page.path), decodeURIComponent(path)));
  if (!existsSync(join(root, file))) return `${target}: no such file`;
  const linked = byPath.get(file);
  return anchor !== undefined && linked && !anchors(linked.prose).has(anchor) ? `${target}: no such heading` : undefined;
}

describe('documentation', () => {
  it('finds its own pages', () => {
    for (const path of ['README.md', 'CONTRIBUTING.md', 'docs/architecture.md']) assert.ok(byPath.has(path), path);
  });

  for (const page of all) {
    describe(page.path, () => {
      it('links only to files and headings that exist', () => {
        const targets = linkTargets(page.prose).filter((target) => !isExternal(target));
        assert.deepEqual(
          targets.map((target) => brokenLink(page, target)).filter((problem) => problem !== undefined),
          [],
        );
      });

      it('names only files and folders that exist', () => {
        const missing = codeSpans(page.prose).filter((span) => namesPath(span) && !existsSync(join(root, span)));
        assert.deepEqual(missing, []);
      });

      it('names only npm scripts that exist', () => {
        assert.deepEqual(
          npmScripts(page.text).filter((name) => !packageScripts.includes(name)),
          [],
        );
      });

      it('names no path of one machine', () => {
        assert.doesNotMatch(page.text, /(?<![\w.<])\/(work|root|home\/\w+)\//);
      });
    });
  }

  it('lists every decision in docs/adr/README.md', () => {
    const decisions = all.map((page) => page.path).filter((path) => /^docs\/adr\/\d{4}-/.test(path));
    const listed = linkTargets(byPath.get('docs/adr/README.md')?.prose ?? '').map((target) => join('docs/adr', target));
    assert.deepEqual(listed, decisions.sort());
  });

  for (const page of all.filter(({ path }) => /^docs\/adr\/\d{4}-/.test(path))) {
    it(`${page.path} has the parts of a decision`, () => {
      const headings = [...page.prose.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
      assert.deepEqual(headings, ['Context', 'Decision', 'Consequences', 'What would change it', 'Sources']);
    });
  }

  it('shows measured demo output in the README before anything is released', () => {
    const released = /^## \[\d+\.\d+\.\d+\]/m.test(byPath.get('CHANGELOG.md')?.text ?? '');
    assert.ok(readme);
    assert.ok(!released || !readme.text.includes('<!-- demo output -->'), 'README.md still holds the place for the demo output');
  });
});

describe('reading of Markdown', () => {
  it('sees links, images and anchors, and skips fenced blocks', () => {
    const text =
      '# One `two`: three\n[a](b.md#c) ![d](e.svg) <img alt="x" src="f.svg">\n```sh\n[no](no.md)\n```\n`services/x.ts` `services/*/y.ts`';
    assert.deepEqual(linkTargets(withoutFences(text)), ['b.md#c', 'e.svg', 'f.svg']);
    assert.deepEqual([...anchors(text)], ['one-two-three']);
    assert.deepEqual(codeSpans(withoutFences(text)).filter(namesPath), ['services/x.ts']);
  });

  it('sees npm scripts with and without arguments', () => {
    assert.deepEqual(npmScripts('`npm run demo -- --seed 7`, npm run rules:publish; npm test'), ['demo', 'rules:publish', 'test']);
  });

  it('reports a link to a missing file and to a missing heading', () => {
    const page: Page = { path: 'README.md', text: '', prose: '' };
    assert.equal(brokenLink(page, 'docs/none.md'), 'docs/none.md: no such file');
    assert.equal(brokenLink(page, 'CONTRIBUTING.md#none'), 'CONTRIBUTING.md#none: no such heading');
  });
});
