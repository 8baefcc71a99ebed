import { fileErrorText } from './cli/file-error.ts';
import { UsageError } from './cli/flags.ts';
import { drillCommand } from './drill/command.ts';

try {
  process.exitCode = await drillCommand(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  const message = fileErrorText(error) ?? (error instanceof Error ? error.message : String(error));
  process.stderr.write(`${message}\n${usage ? 'npm run drill -- --help shows what there is.\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
