import assert from 'node:assert/strict';
import { changedUnderOneVersion } from '../../../../scripts/backtest/same-version.ts';
import { nextRules } from '../../../../scripts/drill/fraud/next-rules.ts';
import { defaultRules } from '../../../../services/fraud-detector/default-rules.ts';
import { parseRulesFile } from '../../../../services/lib/rules/rules-file.ts';

const shown = ({ rules }: typeof defaultRules): string[] =>
  rules.map(({ id, version, mode, count }) => `${id}/${version} ${mode} ${count?.atLeast}`);

describe('the rules that a drill publishes next', () => {
  it('are valid, with another limit under a raised version, and a shadow rule that stays the same', () => {
    const second = nextRules(defaultRules);
    const third = nextRules(second);
    assert.deepEqual(shown(second), ['reserve-cancel-churn/2 live 4', 'drill-two-cancellations/1 shadow 2']);
    assert.deepEqual(shown(third), ['reserve-cancel-churn/3 live 3', 'drill-two-cancellations/1 shadow 2']);
    for (const file of [second, third]) assert.doesNotThrow(() => parseRulesFile(file));
    assert.deepEqual(changedUnderOneVersion(second, third), []);
  });
});
