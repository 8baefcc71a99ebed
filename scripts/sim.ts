import { readCommandLine } from './cli/command-line.ts';
import { fileErrorText } from './cli/file-error.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { simFlags, simulationNames } from './sim/flags.ts';
import { lookForPlanted } from './sim/planted.ts';
import { Report } from './sim/report.ts';

const flags = readCommandLine(
  {
    name: 'sim',
    summary: `The real code of the state with fences, of the fraud detector on it and of the loader, among simulated processes, leases, stores and streams: crashes, lost answers,
zombies, reshards, damage, by seed. Ends with 0 when no rule was broken, 1 when one was, 2 when it is used wrongly, 130 at Ctrl-C;
with --planted 0 when each bug that does harm was found, 1 when one was missed: more --seeds may find it, or no rule watches for it any more.
SEED=17 replays one schedule and prints it call by call. More: docs/simulation.md`,
    examples: [
      'npm run sim',
      'npm run sim -- --only state --seeds 1000 --every-call',
      'SEED=17 npm run sim -- --only state',
      'npm run sim -- --planted --only loader',
    ],
  },
  simFlags,
  process.argv.slice(2),
);
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const note = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const interrupts = watchInterrupts();
  const { signal } = interrupts;
  if (flags.planted) {
    if (flags['every-call']) throw new UsageError('--every-call goes without --planted: each bug is looked for by seeds');
    if (flags.only === 'fraud') throw new UsageError('--planted is of state and loader: the fraud detector has the steps of the state');
    const where = flags.only === undefined ? (['state', 'loader'] as const) : [flags.only];
    const sound = await lookForPlanted({ where, seeds: flags.seeds, json: flags.json, signal }, print, note);
    return interrupts.exitCode() ?? (sound ? 0 : 1);
  }
  const seed = seedOf(process.env['SEED']);
  const { openSimulation } = await import('./sim/open.ts');
  const report = new Report(note, seed);
  for (const name of simulationNames.filter((one) => flags.only === undefined || one === flags.only)) {
    if (signal.aborted) break;
    await report.runAll(name, await openSimulation(name), { seeds: flags.seeds, everyCall: flags['every-call'], signal });
  }
  print(flags.json ? JSON.stringify(report.result) : report.text);
  return interrupts.exitCode() ?? (report.result.ok ? 0 : 1);
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`SEED=${text}: expected a whole number`);
  return Number(text);
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof UsageError;
  note(`npm run sim: ${fileErrorText(error) ?? (error instanceof Error ? error.message : String(error))}`);
  process.exitCode = usage ? 2 : 1;
}
