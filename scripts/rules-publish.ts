import { userInfo } from 'node:os';
import { readCommandLine } from './cli/command-line.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { rulesPublishFlags } from './rules-publish/flags.ts';
import { isUsage, rulesPublish } from './rules-publish/rules-publish.ts';

const flags = readCommandLine(
  {
    name: 'rules:publish',
    summary: `Fraud rules for the running detectors, without a deploy. A file is checked whole, compared with the rules in force rule by rule, over
--events also alert by alert, stored under its hash and takes effect a minute later. Each shard switches at its first record that arrived then
or later. A dry run until --yes; each change leaves an audit item. docs/rules.md tells what a shard keeps.

Exit code: 0 done, 1 refused or it could not be done, 2 wrong usage, 130 Ctrl-C.`,
    examples: [
      'npm run rules:publish -- --rules rules.json --events events.ndjson --stage staging --objects s3://bucket/prefix',
      'npm run rules:publish -- --rules rules.json --stage staging --objects s3://bucket/prefix --yes',
      'npm run rules:publish -- --list --endpoint http://127.0.0.1:8000 --objects file:///run/objects',
      'npm run rules:publish -- --rollback 3 --stage prod --objects s3://bucket/prefix --yes',
      'npm run rules:publish -- --withhold cancel-churn --stage prod --objects s3://bucket/prefix --yes',
      'npm run rules:publish -- --resume all --stage prod --objects s3://bucket/prefix --yes --json',
    ],
  },
  rulesPublishFlags,
  process.argv.slice(2),
);

const interrupts = watchInterrupts();

try {
  const exitCode = await rulesPublish(flags, {
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
    operator: userInfo().username,
    signal: interrupts.signal,
  });
  process.exitCode = interrupts.exitCode() ?? exitCode;
} catch (error) {
  process.stderr.write(`npm run rules:publish: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage(error) ? 2 : 1;
}
