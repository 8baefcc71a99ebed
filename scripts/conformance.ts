import type { Budget, Target } from '../test/conformance/kinesis/target.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { type Chosen, chosen, chosenVectors, conformanceFlags } from './conformance/flags.ts';
import { Report } from './conformance/report.ts';

const flags = readCommandLine(
  {
    name: 'conformance',
    summary: `The statements of the Kinesis Data Streams API reference, one check each, against a Kinesis of your choice; or cases of windows,
restated from the tests of Flink, Kafka, Beam and others, against services/lib/windows. Ends with 0 when all hold but the differences
listed for the target, 1 when one does not, 2 when it is used wrongly, 130 at Ctrl-C (streams are deleted first).
More: test/conformance/kinesis/README.md, docs/windows.md`,
    examples: [
      'npm run conformance -- --kinesis local',
      "npm run conformance -- --kinesis kinesis-local --only 'SplitShard|MergeShards'",
      'npm run conformance -- --kinesis local --json',
      'npm run conformance -- --list',
      'npm run conformance -- --vectors test/conformance/windows/window-vectors.json',
      'npm run conformance -- --kinesis aws --region eu-central-1 --profile sandbox --yes-this-costs-money',
    ],
  },
  conformanceFlags,
  process.argv.slice(2),
);
const print = (line: string) => void process.stdout.write(`${line}\n`);
const note = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const vectors = chosenVectors(flags);
  if (vectors !== undefined) return (await import('./conformance/vectors/command.ts')).runVectors(vectors, print);
  const { checks } = await import('../test/conformance/kinesis/checks/index.ts');
  const selected = checks.filter(({ id }) => flags.only?.test(id) ?? true);
  if (selected.length === 0) throw new UsageError(`--only ${String(flags.only)} fits none of the ${checks.length} checks`);
  if (flags.list) {
    for (const { id, cites } of selected) print(flags.json ? JSON.stringify({ id, cites }) : `${id}\n    ${cites}`);
    return 0;
  }
  const choice = chosen(flags);
  if (choice.target === 'aws') {
    const { awsBudget } = await import('../test/conformance/kinesis/targets/aws.ts');
    note(budgetText(awsBudget, choice.region));
    if (!choice.confirmed) throw new UsageError('nothing was run: add --yes-this-costs-money to go on');
  }
  const { runAll } = await import('../test/conformance/kinesis/run.ts');
  const interrupts = watchInterrupts({
    first: () => note('stopping after this check; its streams are deleted first. Ctrl-C again ends at once and leaves them.'),
    second: () => note('ended; streams may be left'),
  });
  const target = await start(choice);
  const report = new Report(flags.json, print);
  try {
    await runAll(selected, target, (outcome) => report.tell(outcome), interrupts.signal);
  } finally {
    await target.stop();
    report.summary(selected.length);
  }
  return interrupts.exitCode() ?? (report.tally.failed > 0 ? 1 : 0);
}

async function start(choice: Chosen): Promise<Target> {
  switch (choice.target) {
    case 'local':
      return (await import('../test/conformance/kinesis/targets/local.ts')).localTarget(flags.http1 ? 'http1' : 'http2');
    case 'kinesis-local':
      return (await import('../test/conformance/kinesis/targets/kinesis-local.ts')).kinesisLocalTarget();
    case 'aws': {
      const { awsTarget, credentialsFrom } = await import('../test/conformance/kinesis/targets/aws.ts');
      return awsTarget({ region: choice.region, credentials: credentialsFrom(choice.credentials, process.env) });
    }
  }
}

const budgetText = (budget: Budget, region: string): string =>
  `In ${region}, at most: ${budget.streams} streams at one time, ${budget.createdStreams} streams and ${budget.createdShards} shards made in all, ` +
  `${budget.records} records put. About two hours; every stream is named kinesis-conformance-… and is deleted behind its check.`;

try {
  process.exitCode = await main();
} catch (error) {
  note(`npm run conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
