import { parseRulesFile, type RulesFile } from '../lib/rules/rules-file.ts';

/** The rules that come with this build. */
export const defaultRules: RulesFile = parseRulesFile({
  time: { disorder: 'PT30S', lateness: 'PT15M', maxAhead: 'PT5M' },
  rules: [
    {
      id: 'reserve-cancel-churn',
      version: 1,
      mode: 'live',
      action: 'lock',
      severity: 'high',
      key: 'userId',
      when: { type: ['cancelled'] },
      count: { atLeast: 3, within: 'PT10M' },
      cooldown: 'PT1H',
      owner: 'fraud-team',
      description: 'Reserves and cancels again and again: three cancellations within ten minutes.',
    },
  ],
});

/** As a file, to be published where there are none. */
export const defaultRulesFile: Buffer = Buffer.from(`${JSON.stringify(defaultRules, undefined, 2)}\n`);
