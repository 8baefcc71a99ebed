import { z } from 'zod';
import { fraudAlerts } from '../lib/events/topics.ts';
import { awsConfig } from '../lib/process/aws.ts';
import { flag, textOr } from '../lib/process/config.ts';
import { logLevels } from '../lib/process/log.ts';
import { defineService } from '../lib/process/service.ts';
import { durationMs } from '../lib/rules/duration.ts';

const leastLockMs = 60_000;
const longestLockMs = 366 * 86_400_000;
const lockExpectation = 'expected an ISO 8601 duration from PT1M to P366D';

const lockDuration = z
  .string()
  .default('P1D')
  .transform((text) => durationMs(text) ?? 0)
  .refine((ms) => ms >= leastLockMs && ms <= longestLockMs, lockExpectation);

export const accountGuard = defineService({
  name: 'account-guard',
  summary: 'Locks the account that a fraud alert with the action `lock` names, for a time, once per alert.',
  runtime: 'lambda',
  config: {
    ...awsConfig,
    ACCOUNTS_TABLE: textOr('accounts'),
    LOCK_DURATION: lockDuration.describe('how long a lock lasts, from when it is set; given as P1D, shown here in ms'),
    LOCK_ON_WARMING: flag.describe('true: also lock on alerts of a rule that has not seen its whole time span yet'),
    LOG_LEVEL: z
      .enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` })
      .default('info')
      .describe('least severe line that is written'),
  },
  produces: [],
  subscribes: [{ topic: fraudAlerts, filterPolicy: { action: ['lock'] } }],
  tables: [
    {
      name: 'accounts',
      configKey: 'ACCOUNTS_TABLE',
      summary: 'per user the item `account`, which the booking service reads, and what was done to it: `alert#…`, `unlock#…`',
      partitionKey: { name: 'userId', type: 'S' },
      sortKey: { name: 'item', type: 'S' },
    },
  ],
  topics: [],
  objects: [],
  actions: [],
  size: { memoryMiB: 256 },
  // One message an invocation; a lock takes two round trips. 15 s is beyond every deadline of ours (accounts.ts).
  lambda: { timeoutSeconds: 15, concurrency: 10, retryAttempts: 2, maxEventAgeSeconds: 21_600 },
});
