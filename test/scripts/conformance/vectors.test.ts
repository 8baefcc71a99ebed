import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../scripts/conformance.ts', import.meta.url));
const vectors = fileURLToPath(new URL('../../conformance/windows/window-vectors.json', import.meta.url));

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], { encoding: 'utf8' });
  return { code: status, lines: stdout.trim().split('\n'), stderr };
}

describe('npm run conformance -- --vectors', function () {
  this.timeout(40_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('prints one JSON line a vector and a summary, and ends with 0 when none fails', () => {
    const { code, lines } = run('--vectors', vectors, '--json');
    const outcomes = lines.map((line) => JSON.parse(line) as { id?: string; ok?: boolean | null });
    assert.equal(code, 0);
    assert.deepEqual(outcomes.at(-1), { type: 'summary', passed: 96, failed: 0, unsupported: 5 });
    assert.equal(outcomes.filter(({ ok }) => ok === true).length, 96);
    assert.equal(outcomes.filter(({ ok }) => ok === null).length, 5);
  });

  it('ends with 1 when one fails, and shows what was expected', () => {
    const file = join(folder, 'wrong.json');
    const document = JSON.parse(readFileSync(vectors, 'utf8')) as { vectors: { id: string; expect: unknown }[] };
    for (const vector of document.vectors) if (vector.id === 'window-start-7-off3') vector.expect = [-5, -4, 3, 3, 10];
    writeFileSync(file, JSON.stringify(document));
    const { code, lines } = run('--vectors', file, '--only', '^window-start');
    assert.equal(code, 1);
    assert.deepEqual(lines.slice(1, 4), [
      '  FAIL  window-start-7-off3',
      '          expected [-5,-4,3,3,10]',
      '          got      [-4,-4,3,3,10]',
    ]);
    assert.equal(lines.at(-1), '2 passed, 1 failed, 0 unsupported');
  });

  it('is used wrongly with flags of a Kinesis, with a file that is none, and with a pattern that fits none', () => {
    for (const [args, message] of [
      [['--vectors', vectors, '--kinesis', 'local'], /--kinesis is for a Kinesis; --vectors is about windows/],
      [['--vectors', vectors, '--http1'], /--http1 is for a Kinesis/],
      [['--vectors', join(folder, 'none.json')], /--vectors .*none\.json: there is no such file$/m],
      [['--vectors', vectors, '--only', 'nothing like it'], /fits none of the 101 vectors/],
    ] as const) {
      const { code, stderr } = run(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, message);
    }
  });

  it('lists vectors with where they are from', () => {
    const { code, lines } = run('--vectors', vectors, '--list', '--only', 'stagger-kda$');
    assert.equal(code, 0);
    assert.match(lines[0] ?? '', /^stagger-kda \(stagger\)$/);
    assert.match(lines[1] ?? '', /kinesisanalytics/);
  });
});
