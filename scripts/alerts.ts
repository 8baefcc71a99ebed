import { isPlatformError } from '../services/lib/process/errors.ts';
import { exportFlags, listFlags, releaseFlags, showFlags } from './alerts/flags.ts';
import type { AlertsIo } from './alerts/io.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { nearest } from './cli/nearest.ts';
import { terminalOf } from './demo/status-line.ts';

const summaries = {
  list: 'Alerts, the newest first.',
  show: 'One alert with its evidence in time, against what its rule asks for: npm run alerts -- show ALERT_ID',
  export: 'Alerts into a new file, the oldest first, as JSON lines or CSV.',
  release: 'Publishes after all what the kill switch withheld or SNS refused. A dry run until --yes.',
} as const;
type Action = keyof typeof summaries;
const actions = Object.keys(summaries) as Action[];

const args = process.argv.slice(2);
const words = args[0] === '--' ? args.slice(1) : args;
const action = actions.find((name) => name === words[0]);

const of = (name: Action, ...examples: readonly string[]) => ({
  name: `alerts -- ${name}`,
  summary: summaries[name],
  examples: examples.map((example) => `npm run alerts -- ${name} ${example}`),
});

async function run(io: AlertsIo): Promise<number> {
  const rest = words.slice(1);
  switch (action) {
    case 'list': {
      const text = of(
        'list',
        '--stage prod --since PT1H',
        '--stage prod --user user-4711',
        '--endpoint http://127.0.0.1:8000 --state pending --json',
      );
      return (await import('./alerts/list.ts')).listAlerts(readCommandLine(text, listFlags, rest), io);
    }
    case 'show': {
      const text = of(
        'show',
        '5f0c3a1be2d94a7788aa00112233aabb --stage prod',
        '5f0c3a1be2d94a7788aa00112233aabb --endpoint http://127.0.0.1:8000 --json',
      );
      const id = rest[0]?.startsWith('-') ? undefined : rest[0];
      const flags = readCommandLine(text, showFlags, id === undefined ? rest : rest.slice(1));
      return (await import('./alerts/show.ts')).showAlert(id, flags, io);
    }
    case 'export': {
      const text = of(
        'export',
        '--stage prod --out alerts.csv --since 2026-11-01',
        '--stage prod --out churn.ndjson --rule reserve-cancel-churn --since P7D',
      );
      return (await import('./alerts/export.ts')).exportAlerts(readCommandLine(text, exportFlags, rest), io);
    }
    case 'release': {
      const text = of(
        'release',
        '--stage prod --rule reserve-cancel-churn --since PT2H',
        '--stage prod --rule reserve-cancel-churn --since PT2H --yes',
      );
      return (await import('./alerts/release.ts')).releaseAlerts(readCommandLine(text, releaseFlags, rest), io);
    }
    default: {
      const table = actions.map((name) => `  ${name.padEnd(10)}${summaries[name]}`).join('\n');
      const text = {
        name: 'alerts',
        summary: `The stored fraud alerts.\n\nWhat to do with them:\n${table}\n\nEach tells more with: npm run alerts -- list --help`,
        examples: [
          'npm run alerts -- list --stage prod --since PT1H',
          'npm run alerts -- show 5f0c3a1be2d94a7788aa00112233aabb --stage prod',
        ],
      };
      if (words.some((word) => word === '--help' || word === '-h')) readCommandLine(text, {}, ['--help']);
      const meant = nearest(words[0] ?? '', actions);
      throw new UsageError(
        `${words[0] ?? 'nothing'}: expected ${actions.join(', ')}${meant === undefined ? '' : `; did you mean ${meant}?`}`,
      );
    }
  }
}

const interrupts = watchInterrupts();
const terminal = terminalOf(process.stdout, process.env);

try {
  const exitCode = await run({
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
    signal: interrupts.signal,
    columns: terminal.isTty ? terminal.columns : undefined,
    isColored: terminal.color,
  });
  process.exitCode = interrupts.exitCode() ?? exitCode;
} catch (error) {
  const isUsage = error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');
  process.stderr.write(`npm run alerts: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = interrupts.exitCode() ?? (isUsage ? 2 : 1);
}
