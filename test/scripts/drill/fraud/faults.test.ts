import assert from 'node:assert/strict';
import { parseFaults, usualFaults } from '../../../../scripts/drill/fraud/faults.ts';

const kinds = (list: string): string[] => parseFaults(list).map(({ kind }) => kind);
const steps = (list: string): string[] =>
  parseFaults(list).map((fault) => (fault.kind === 'reshard' ? `${fault.from}-${fault.to}` : fault.kind));

describe('the list of faults', () => {
  it('is by default 10 kills in turn, 5 SIGTERMs, 2 to 4 to 3 to 2 shards, the stores, a zombie, new rules', () => {
    const kills = Array.from({ length: 10 }, (_, i) => ['child', 'jvm', 'task'][i % 3]);
    const rest = ['2-4', '4-3', '3-2', 'alert-store', 'object-store', 'snapshot-store', 'zombie', 'reload'];
    assert.deepEqual(steps(usualFaults), [...kills, ...Array.from({ length: 5 }, () => 'term'), ...rest]);
  });

  it('keeps its order and its numbers', () => {
    assert.deepEqual(kinds('zombie,jvm=2,kill=2'), ['zombie', 'jvm', 'jvm', 'child', 'jvm']);
  });

  it('reshards onward from where the last one ended, round and round', () => {
    assert.deepEqual(steps('reshard,term,reshard=4'), ['2-4', 'term', '4-3', '3-2', '2-4', '4-3']);
  });

  it('does each once when no number is given', () => {
    assert.deepEqual(steps('kill,term,reshard,poison'), ['child', 'term', '2-4', 'poison']);
  });

  it('refuses a second poison', () => {
    for (const list of ['poison=2', 'poison,term,poison']) assert.throws(() => parseFaults(list), /once in a run/, list);
  });

  it('refuses what it does not know, with what there is', () => {
    assert.throws(() => parseFaults('kil'), /expected some of kill, child/);
    for (const list of ['kill=0', 'kill=x', 'kill=101', 'kill=1.5', 'kill=']) assert.throws(() => parseFaults(list), /NAME=N/, list);
    assert.throws(() => parseFaults(''), /no fault ""/);
  });
});
