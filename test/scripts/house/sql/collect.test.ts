import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { root } from '../../../../scripts/house/run-step.ts';
import { collect, type Runs, uncollected } from '../../../../scripts/house/sql/collect.ts';
import type { Sent } from '../../../../scripts/house/sql/recorder.ts';
import { sitesOf } from '../../../../scripts/house/sql/sites.ts';

const file = 'services/some/part.ts';
const warehouse = "import type { Session } from '../lib/warehouse/database.ts';\n";
const found = (source: string): string[] =>
  sitesOf(file, warehouse + source).map(({ line, parts }) => `${line} ${parts?.join('…') ?? 'call'}`);
const sent = (sql: string, ...calls: string[]): Sent => ({ dialect: 'redshift', sql, calls });

describe('collection of SQL', () => {
  it('finds calls that send, and texts that are sent', () => {
    assert.deepEqual(found("await session.query('BEGIN');"), ['2 call', '2 BEGIN']);
    assert.deepEqual(found('const sql = `SELECT a FROM ${t} WHERE b = ${c}`;'), ['2 SELECT a FROM … WHERE b = …']);
    assert.deepEqual(found('await session\n  .copyIn(\n  text(), chunks);'), ['3 call']);
    assert.deepEqual(found("const tail = wanted ? ' ON CONFLICT DO NOTHING' : '';"), ['2  ON CONFLICT DO NOTHING']);
  });

  it('passes over what is said to people, what is handed on, and files without a warehouse', () => {
    assert.deepEqual(found("throw new PlatformError('X', `COPY FROM ${a} failed`);"), []);
    assert.deepEqual(found("class E extends Error { constructor() { super('VALUES are missing'); } }"), []);
    assert.deepEqual(found("log.warn({}, 'COMMIT FROM nowhere');"), []);
    assert.deepEqual(found('const wrapped = { query: (sql: string) => session.query(sql) };'), []);
    assert.deepEqual(sitesOf(file, "const text = 'read FROM there';"), []);
  });

  it('does not pass over what a function hands on of its own making', () => {
    assert.deepEqual(found('function f() { const sql = make(); return session.query(sql); }'), ['2 call']);
    assert.deepEqual(sitesOf(file, "export const count = 'SELECT COUNT(*) FROM t';").length, 1, 'also without an import of the warehouse');
  });

  it('knows a text by its parts in their order, a call by its place', () => {
    const sites = sitesOf(file, `${warehouse}await session.query(\`SELECT a FROM \${t} WHERE b = 1\`);`);
    const sql = 'SELECT a FROM booking WHERE b = 1';
    assert.deepEqual(uncollected(sites, [sent(sql, `${file}:2:15`)]), []);
    assert.deepEqual(uncollected(sites, [sent(sql, `${file}:2:16`)]), sites.slice(0, 1));
    assert.deepEqual(uncollected(sites, [sent(' WHERE b = 1 SELECT a FROM ', `${file}:2:15`)]), sites.slice(1));
  });

  it('keeps every statement with the calls that led to it, in both dialects', async () => {
    const runs: Runs = { 'a part': async (recorder) => (await recorder.connect()).query('BEGIN') };
    const { sent: all, failures } = await collect(root, runs);
    assert.deepEqual(failures, []);
    assert.deepEqual(
      all.map(({ dialect, sql }) => `${dialect} ${sql}`),
      ['redshift BEGIN', 'postgres BEGIN'],
    );
    const [, name = '', line = ''] = /^(.*):(\d+):\d+$/.exec(all[0]?.calls[0] ?? '') ?? [];
    assert.match(readFileSync(`${root}/${name}`, 'utf8').split('\n')[Number(line) - 1] ?? '', /\.query\('BEGIN'\)/);
  });

  it('names a run that ended early, and keeps what it sent until then', async () => {
    const { sent: all, failures } = await collect(root, {
      'a part': async (recorder) => {
        await (await recorder.connect()).query('BEGIN');
        throw new Error('no row');
      },
    });
    assert.equal(all.length, 2);
    assert.match(failures[0] ?? '', /"a part".*no row/);
  });
});
