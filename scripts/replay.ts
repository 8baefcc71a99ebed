import { isPlatformError } from '../services/lib/process/errors.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { replayFlags } from './replay/flags.ts';
import { replay } from './replay/replay.ts';

const flags = readCommandLine(
  {
    name: 'replay',
    summary: 'Dead letters back to the stream they came from: original bytes, original key. A dry run until --yes.',
    examples: [
      'npm run replay -- --objects file:///var/objects --service event-router',
      'npm run replay -- --objects file:///var/objects --service event-router --reason missing-field --endpoint http://127.0.0.1:4567 --yes',
      'npm run replay -- --objects s3://bucket/objects --service event-router --since 2026-11-23T08:00:00Z --stage staging --yes --json',
    ],
  },
  replayFlags,
  process.argv.slice(2),
);

const interrupts = watchInterrupts();

try {
  const exitCode = await replay(flags, {
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
    signal: interrupts.signal,
  });
  process.exitCode = interrupts.exitCode() ?? exitCode;
} catch (error) {
  const isUsage = error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');
  process.stderr.write(`npm run replay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
