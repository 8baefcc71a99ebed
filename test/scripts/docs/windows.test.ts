import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { regions, windowsPage } from '../../../scripts/docs/windows/page.ts';
import { drawLog, drawTimeline } from '../../../scripts/docs/windows/timeline.ts';

const root = new URL('../../../', import.meta.url);
const committed = readFileSync(new URL('docs/windows.md', root), 'utf8');

/** What a reader can make: classes and constants that the library exports, but for what operators are made of. */
function exported(): string[] {
  const folders = ['assigners', 'triggers', 'evictors', 'aggregates', 'watermarks', 'slices', 'operators', 'stream-time'];
  const inner = /^(merge|offset|trigger|numbers|contents|pane-maker|window-state|stream-time-operator)\.ts$/;
  return folders.flatMap((folder) => {
    const path = new URL(`services/lib/windows/${folder}/`, root);
    const files = readdirSync(path).filter((file) => !inner.test(file));
    const sources = files.map((file) => readFileSync(new URL(file, path), 'utf8'));
    return sources.flatMap((source) => [...source.matchAll(/^export (?:class|const|function) (\w+)/gm)].map(([, name = '']) => name));
  });
}

describe('docs/windows.md', () => {
  it('shows code that runs and what it tells: it is what `npm run docs` writes', async () => {
    assert.equal(committed, await windowsPage(committed), 'run `npm run docs` and commit the result');
  });

  it('shows code that can be copied: every piece runs by itself, and the first tells what its picture says', async () => {
    const pieces = [...committed.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);
    assert.ok(pieces.length > 15);
    const folder = mkdtempSync(join(tmpdir(), 'windows-'));
    try {
      const modules = pieces.map(async (code, i) => {
        const file = join(folder, `piece-${i}.mts`);
        writeFileSync(file, code.replaceAll("from './", `from '${root.href}`));
        return (await import(pathToFileURL(file).href)) as unknown;
      });
      const [first] = (await Promise.all(modules)) as [
        { amounts: unknown; totals: (records: unknown, tell: (text: string) => void) => void },
      ];
      const told: string[] = [];
      first.totals(first.amounts, (text) => told.push(text));
      assert.equal(told.length, 4);
      const picture = committed.slice(committed.indexOf('<!-- picture: use -->')).split('```')[1] ?? '';
      assert.deepEqual(
        told.filter((text) => !picture.includes(`  ${text}\n`)),
        [],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('changes when a picture does', async () => {
    const other = committed.replace('[10, 20)            [─────────)', '[10, 20]            [─────────]');
    assert.notEqual(other, committed);
    assert.equal(await windowsPage(other), committed);
  });

  it('names all that the library offers', () => {
    const names = exported();
    assert.ok(names.length > 30);
    assert.deepEqual(
      names.filter((name) => !new RegExp(`\\b${name}\\b`).test(committed)),
      [],
    );
  });

  it('asks for no picture that there is not, and leaves none out', async () => {
    await assert.rejects(windowsPage(`${committed}<!-- picture: none -->\n`), /asks for picture: none/);
    await assert.rejects(windowsPage(committed.replace('<!-- picture: idle -->', '')), /leaves out picture: idle/);
  });
});

describe('the pictures of windows', () => {
  it('draw a bound that belongs to the window differently from one that does not', () => {
    const drawing = drawTimeline({
      from: 0,
      to: 12,
      records: {
        k: [
          { time: 0, label: 'a' },
          { time: 2, label: 'b' },
          { time: 2, label: 'c' },
        ],
      },
      bars: [
        { start: 1, end: 4, note: 'x' },
        { start: 1, end: 4, inclusive: true, note: 'y' },
        { start: 5, end: 5, inclusive: true, note: '' },
        { start: -3, end: 2, note: '' },
        { start: 9, end: 20, note: '' },
      ],
    });
    assert.deepEqual(drawing.split('\n'), [
      '         0         10',
      'k        a *',
      '[1, 4)    [──)           x',
      '[1, 4]    [──]           y',
      '[5, 5]        |',
      '[-3, 2)  ‹─)',
      '[9, 20)           [──›',
    ]);
  });

  it('put what is told beside what was given', () => {
    assert.equal(
      drawLog([
        ['a', []],
        ['bcd', ['x', 'y']],
      ]),
      'a\nbcd   x\n      y',
    );
  });

  it('take code from between its marks', () => {
    assert.deepEqual([...regions('f(\n  // #region a-b\n  x,\n\n    y,\n  // #endregion\n);')], [['a-b', 'x,\n\n  y,']]);
  });
});
