import { join } from 'node:path';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { root, runStep, tool } from './house/run-step.ts';
import { runTests, tallyLine } from './house/tests.ts';

const flags = readCommandLine(
  {
    name: 'verify',
    summary:
      'What a change must pass: format, lint, types, dead code, SQL that Redshift takes, tests with coverage. Every step runs, whatever the others say.',
    examples: ['npm run verify', 'npm run verify -- --static'],
  },
  { static: flag('without the tests') },
  process.argv.slice(2),
);

const steps: Readonly<Record<string, readonly string[]>> = {
  format: tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings'),
  lint: tool('oxlint/bin/oxlint', '--type-aware', '--deny-warnings'),
  types: tool('typescript/bin/tsc', '-p', '.'),
  'dead code': tool('knip/bin/knip.js', '--no-progress'),
  SQL: ['--import', 'tsx', join(root, 'scripts/house/sql/check.ts')],
};

const summary: string[] = [];
let ok = true;
const note = (name: string, exitCode: number, startedAt: number): void => {
  ok &&= exitCode === 0;
  summary.push(`${exitCode === 0 ? 'ok    ' : 'FAILED'}  ${name.padEnd(10)} ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
};

for (const [name, args] of Object.entries(steps)) {
  process.stderr.write(`\n--- ${name}\n`);
  const startedAt = performance.now();
  note(name, await runStep(args), startedAt);
}
let tally = '';
if (!flags.static) {
  process.stderr.write('\n--- tests\n');
  const startedAt = performance.now();
  const result = await runTests([], { coverage: true });
  tally = tallyLine(result);
  note('tests', result.exitCode, startedAt);
}
process.stdout.write(`\n${summary.join('\n')}\n${tally}`);
process.exitCode = ok ? 0 : 1;
