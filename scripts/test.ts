import { helpText } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { runTests, tallyLine } from './house/tests.ts';

const text = {
  name: 'test',
  summary: 'Runs the tests: all of them, or the files and options of mocha that are given. REQUIRE_ALL=1 fails what would be skipped.',
  examples: ['npm test', 'npm test -- test/services/lib/rules/count.test.ts', "npm test -- -g 'a checkpoint'", 'npm test -- --coverage'],
};
const flags = { coverage: flag('measure services/lib and fail below 90 % of its lines'), help: flag('this text') };

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h')) {
  process.stdout.write(helpText(text, flags));
} else {
  const result = await runTests(
    args.filter((argument) => argument !== '--coverage'),
    { coverage: args.includes('--coverage') },
  );
  process.stdout.write(tallyLine(result));
  process.exitCode = result.exitCode;
}
