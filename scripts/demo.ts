import { join } from 'node:path';
import { fileErrorText } from './cli/file-error.ts';
import { flagHelp, parseFlags, UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { type DemoFlags, demoFlags, disturbancesOf } from './demo/flags.ts';
import { type PageServer, startPageServer } from './demo/page-server.ts';
import { failuresText, resultText, totalsText } from './demo/report.ts';
import { type DemoOutcome, runDemo } from './demo/run.ts';
import { createRunFolder, diskFullRemedy, type RunFolder } from './demo/run-folder.ts';
import { StatusLine, terminalOf } from './demo/status-line.ts';

const help = `The whole platform on this machine: local parts, the bundled services on the real KCL, and generated bookings.

Examples
  npm run demo                                        until Ctrl-C, with a page to look at
  npm run demo -- --duration 60s --seed 7             send for a minute, then account for every record
  npm run demo -- --duration 60s --kill event-router@15s --reshard booking-events:2-4@25s --json

Flags
${flagHelp(demoFlags)}

Exit code: 0 all accounted for (or nothing to judge), 1 not, 2 wrong usage, 130 Ctrl-C.
`;

// Warehouse, logs and objects of an empty run, and of each record in it.
const leastBytes = 200 * 1_048_576;
const bytesPerRecord = 4_000;

async function main(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(demoFlags, argv);
  if (flags.help) {
    process.stdout.write(help);
    return 0;
  }
  const disturbances = disturbancesOf(flags);
  const status = new StatusLine(terminalOf(process.stderr, process.env), Date.now);
  const page = await startPageServer(flags.port);
  let folder: RunFolder;
  try {
    folder = createRunFolder(flags.keep, leastBytes + flags.rate * ((flags.duration ?? 0) / 1_000) * bytesPerRecord);
  } catch (error) {
    await page.close();
    throw error;
  }
  const removeAtExit = (): void => folder.remove();
  process.on('exit', removeAtExit); // also when a second Ctrl-C ends it at once
  const interrupts = watchInterrupts({
    first: () => status.say('stopping, Ctrl-C again to force'),
    second: () => status.say('stopped at once'),
  });
  try {
    status.say(`page: ${page.url}`);
    const outcome = await runDemo({
      flags,
      disturbances,
      folder,
      page,
      say: (text) => status.say(text),
      onSnapshot: (snapshot) => status.show(snapshot),
      signal: interrupts.signal,
    });
    status.clear();
    return report(flags, outcome, folder, interrupts.exitCode());
  } catch (error) {
    folder.keep();
    status.say(`the run is kept: logs in ${join(folder.path, 'logs')}`);
    const remedy = diskFullRemedy(folder.path);
    throw remedy === undefined ? error : new Error(remedy, { cause: error });
  } finally {
    status.clear();
    await closeQuietly(page);
    folder.remove();
    process.off('exit', removeAtExit);
  }
}

function report(flags: DemoFlags, { verdict, last }: DemoOutcome, folder: RunFolder, interrupted: number | undefined): number {
  if (verdict === undefined) {
    (flags.json ? process.stderr : process.stdout).write(totalsText(last));
    return interrupted ?? 0;
  }
  process.stdout.write(flags.json ? `${JSON.stringify(verdict.result)}\n` : resultText(verdict.result));
  if (verdict.result.ok) return 0;
  folder.keep();
  process.stderr.write(`${failuresText(verdict.failures)}\nthe run is kept in ${folder.path} (logs/, objects/, warehouse/)\n`);
  return 1;
}

async function closeQuietly(page: PageServer): Promise<void> {
  await page.close().catch(() => undefined);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(
    `${fileErrorText(error) ?? (error instanceof Error ? error.message : String(error))}\n${usage ? 'npm run demo -- --help shows all flags.\n' : ''}`,
  );
  process.exitCode = usage ? 2 : 1;
}
