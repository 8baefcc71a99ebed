import type { Rule, RulesFile } from '../../../services/lib/rules/rules-file.ts';

/** Cancellations of a planted episode: three to five, so that either limit lets some of them raise alerts. */
const limits = [3, 4] as const;

const shadowRule: Rule = {
  id: 'drill-two-cancellations',
  version: 1,
  mode: 'shadow',
  severity: 'low',
  key: 'userId',
  when: { type: ['cancelled'] },
  count: { atLeast: 2, within: 'PT10M' },
  cooldown: 'PT1H',
};

/** The rules to be published next: live counts under a new version with the other limit, and a shadow rule, which stays as it is once there. */
export function nextRules({ time, rules }: RulesFile): RulesFile {
  const changed = rules.map((rule): Rule => {
    if (rule.mode !== 'live' || rule.count === undefined) return rule;
    const atLeast = rule.count.atLeast === limits[0] ? limits[1] : limits[0];
    return { ...rule, version: rule.version + 1, count: { ...rule.count, atLeast } };
  });
  return { time, rules: rules.some(({ id }) => id === shadowRule.id) ? changed : [...changed, shadowRule] };
}
