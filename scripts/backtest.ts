import { backtestFlags, orderOf } from './backtest/flags.ts';
import { run } from './backtest/run.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';

const flags = readCommandLine(
  {
    name: 'backtest',
    summary: `Fraud rules over a file of booking events, by the engine that runs live: what would they have raised? Alerts go to stdout, one JSON
line each in the order raised, then the summary; progress goes to stderr. The file may have any size. docs/rules.md explains the rules.
Exit code: 0 done, 1 it could not be, 2 wrong usage, 130 Ctrl-C (with a summary of what was read).`,
    examples: [
      'npm run generate -- --format events --duration 1h --rate 50 --out events.ndjson',
      'npm run backtest -- --rules rules.json --events events.ndjson',
      'npm run backtest -- --rules new.json --against rules.json --events events.ndjson --json',
      'npm run backtest -- --rules rules.json --events events.ndjson --disorder PT2M --lateness PT1H',
      'npm run backtest -- --rules rules.json --events events.ndjson --restart-every 997 --shards 1,4,2 --reshard-at 5000,10000',
    ],
  },
  backtestFlags,
  process.argv.slice(2),
);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

try {
  const interrupts = watchInterrupts({ first: () => note('stopping; Ctrl-C again ends at once'), second: () => undefined });
  await run(orderOf(flags), interrupts.signal, process.stdin, process.stdout, process.stderr);
  process.exitCode = interrupts.exitCode() ?? 0;
  interrupts.dispose();
} catch (error) {
  note(`npm run backtest: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
