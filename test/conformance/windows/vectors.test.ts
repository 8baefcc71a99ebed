import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { runVector } from '../../../scripts/conformance/vectors/run.ts';
import { parseVectors, type Vector } from '../../../scripts/conformance/vectors/vector-file.ts';

const file = new URL('window-vectors.json', import.meta.url);
const vectors = parseVectors(readFileSync(file, 'utf8'), 'window-vectors.json');

/** Every whole number of what is expected, one more; but for what is to be added, which only stands beside it. */
function shifted(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (Array.isArray(value)) return value.map(shifted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === 'add' ? each : shifted(each)]));
}

describe('windows do what the tests of Flink, Kafka, Beam, Bytewax, Arroyo and Kinesis Analytics say', () => {
  for (const vector of vectors) {
    it(`${vector.kind}: ${vector.id}`, () => {
      const { id: _, got, ...outcome } = runVector(vector);
      const expected = vector.kind === 'cep' ? { ok: null, unsupported: 'pattern matching is not in scope' } : { ok: true };
      assert.deepEqual(outcome, expected, JSON.stringify(got));
    });
  }

  it('leaves out nothing but pattern matching', () => {
    assert.equal(vectors.length, 101);
    assert.equal(vectors.filter(({ kind }) => kind === 'cep').length, 5);
  });

  it('would fail with any other numbers', () => {
    const numbered = vectors.filter(({ expect, kind }) => JSON.stringify(shifted(expect)) !== JSON.stringify(expect) && kind !== 'cep');
    assert.ok(numbered.length > 80);
    for (const vector of numbered) {
      const { ok } = runVector({ ...vector, expect: shifted(vector.expect) as object });
      assert.equal(ok, false, vector.id);
    }
  });
});

describe('a vector', () => {
  const first = vectors[0] as Vector;

  it('is unsupported, with the reason, where its kind or a word of it is not known', () => {
    assert.deepEqual(runVector({ ...first, id: 'x', kind: 'new' }), { id: 'x', ok: null, unsupported: "unknown kind 'new'" });
    const run = vectors.find(({ kind }) => kind === 'count-trigger-run') as Vector;
    assert.equal(runVector({ ...run, spec: { ...run.spec, trigger: 'full moon' } }).unsupported, "trigger 'full moon'");
    assert.match(runVector({ ...run, spec: { ...run.spec, agg: 'median' } }).unsupported ?? '', /^count-trigger-run: spec\.agg: /);
  });

  it('has failed when the library throws', () => {
    const outcome = runVector({ ...first, spec: { size: 0, slide: 0 } });
    assert.deepEqual([outcome.ok, outcome.error], [false, 'size must be a whole number of at least 1, got 0']);
  });

  it('of late records fails when they are others, though the firings are right', () => {
    const late = vectors.find(({ lateTs }) => (lateTs?.length ?? 0) > 0) as Vector;
    assert.equal(runVector({ ...late, lateTs: [] }).ok, false);
  });
});

describe('a file of vectors', () => {
  for (const [what, text, message] of [
    ['is no JSON', '{', /f\.json is not JSON/],
    ['has no list', '{}', /vectors: /],
    ['is empty', '{"vectors":[]}', /vectors: /],
    ['has one without an expectation', '{"vectors":[{"id":"a","kind":"b","input":1}]}', /vectors\.0\.expect: /],
    ['has an id twice', `{"vectors":[${'{"id":"a","kind":"b","expect":1},'.repeat(2).slice(0, -1)}]}`, /ids must differ/],
  ] as const) {
    it(`that ${what} is refused with what is wrong`, () => {
      assert.throws(() => parseVectors(text, 'f.json'), message);
    });
  }
});
