import assert from 'node:assert/strict';
import { Backtest } from '../../../scripts/backtest/backtest.ts';
import { changedUnderOneVersion } from '../../../scripts/backtest/same-version.ts';
import type { RulesFile } from '../../../services/lib/rules/rules-file.ts';
import { type RuleSpec, rule } from '../../oracle/scenario.ts';

const file = (...specs: RuleSpec[]): RulesFile => ({
  time: { disorder: 'PT0S', lateness: 'PT0S', maxAhead: 'PT0S' },
  rules: specs.map(rule),
});
const count = { atLeast: 2, within: 'PT1M' };

describe('two rules files with a rule of one id and version', () => {
  it('are warned of when it differs in what it does', () => {
    const before = file({ id: 'a', count }, { id: 'b' }, { id: 'c' });
    const after = file({ id: 'c', mode: 'shadow' }, { id: 'b' }, { id: 'a', count: { ...count, atLeast: 3 }, cooldown: 'PT1H' });
    const warnings = [
      'rule c: both files say version 1, but differ in mode: raise version',
      'rule a: both files say version 1, but differ in count, cooldown: raise version',
    ];
    assert.deepEqual(changedUnderOneVersion(before, after), warnings);
    const plan = { counts: [1], reshardAt: [], restartEvery: undefined };
    assert.deepEqual(new Backtest(after, plan, before).summary(false).warnings.slice(-2), warnings);
  });

  it('may differ in owner and description, and in anything with another version', () => {
    const before = file({ id: 'a', owner: 'fraud' }, { id: 'b', count }, { id: 'gone' });
    const after = file({ id: 'a', description: 'said better' }, { id: 'b', version: 2, count: { ...count, atLeast: 3 } }, { id: 'new' });
    assert.deepEqual(changedUnderOneVersion(before, after), []);
  });
});
