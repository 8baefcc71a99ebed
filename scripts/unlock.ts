import { userInfo } from 'node:os';
import { isPlatformError } from '../services/lib/process/errors.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { unlockFlags } from './unlock/flags.ts';
import { unlock } from './unlock/unlock.ts';

const flags = readCommandLine(
  {
    name: 'unlock',
    summary:
      'Unlocks an account that was locked by a fraud alert, with a record of who did it and why. The same alert never locks it again. ' +
      'A dry run until --yes.',
    examples: [
      'npm run unlock -- --user user-17 --stage prod',
      'npm run unlock -- --user user-17 --reason "travel agent, ticket 4711" --by ann --stage prod --yes',
      'npm run unlock -- --user user-17 --endpoint http://127.0.0.1:8000 --json',
    ],
  },
  unlockFlags,
  process.argv.slice(2),
);

try {
  process.exitCode = await unlock(flags, {
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
    operator: userInfo().username,
  });
} catch (error) {
  const isUsage = error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');
  process.stderr.write(`npm run unlock: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
