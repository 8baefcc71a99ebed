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

With --against, the alerts of both rules files are compared: two alerts are the same one if the same rule raised them at the same event.
A line {"type":"difference",…} follows for each that is not the same, and the summary counts per rule:
  same         raised under both files, alike but for the rule's version
  only before  raised under --against alone: --rules takes it away (also where the same case is now told at another event)
  only after   raised under --rules alone: --rules adds it
  changed      raised under both, but with another severity, value, evidence or the like

Exit code: 0 done, 1 it could not be done, or there was no event (no line is one, or there are no lines), 2 wrong usage, 130 Ctrl-C
(after a summary of what was read).`,
    examples: [
      'npm run generate -- --format events --duration 1h --rate 50 --out events.ndjson',
      'npm run backtest -- --rules rules.json --events events.ndjson',
      'npm run backtest -- --rules new.json --against rules.json --events events.ndjson --json',
      'gzip -dc events.ndjson.gz | npm run backtest -- --rules rules.json --events -',
      'npm run backtest -- --rules rules.json --events events.ndjson --disorder PT2M --lateness PT1H',
      'npm run backtest -- --rules rules.json --events events.ndjson --restart-every 997 --shards 1,4,2 --reshard-at 5000,10000',
    ],
  },
  backtestFlags,
  process.argv.slice(2),
);
const note = (text: string): void => void process.stderr.write(`${text}\n`);

try {
  const interrupts = watchInterrupts();
  await run(orderOf(flags), interrupts.signal, process.stdin, process.stdout, process.stderr);
  process.exitCode = interrupts.exitCode() ?? 0;
} catch (error) {
  note(`npm run backtest: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
