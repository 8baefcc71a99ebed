import assert from 'node:assert/strict';
import { parseFaults, usualFaults } from '../../../../scripts/drill/loader/faults.ts';

const steps = (list: string): string[] =>
  parseFaults(list).map((fault) => (fault.kind === 'reshard' ? `${fault.from}-${fault.to}` : fault.kind));

describe("the loader's list of faults", () => {
  it('is by default ten rounds', () => {
    const rounds = steps(usualFaults);
    assert.equal(rounds.length, 10);
    assert.deepEqual(
      new Set(rounds),
      new Set(['child', 'jvm', 'task', 'term', '2-4', 'warehouse', 'object-store', 'zombie', 'missing', 'refused']),
    );
  });

  it('refuses what only another drill has, with what there is', () => {
    assert.throws(() => parseFaults('snapshot-store'), /expected some of .*warehouse/);
    assert.throws(() => parseFaults('toString'), /no fault "toString"/);
    assert.throws(() => parseFaults('refused=2'), /refused: once in a run/);
  });
});
