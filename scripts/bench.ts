import { type Bench, isMet, resultLine, table } from './bench/harness/bench.ts';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';

const benches: Readonly<Record<string, () => Promise<{ bench: Bench }>>> = {
  engine: () => import('./bench/engine.ts'),
  kinesis: () => import('./bench/kinesis.ts'),
  loader: () => import('./bench/loader.ts'),
  'kinesis-soak': () => import('./bench/kinesis-soak.ts'),
  state: () => import('./bench/state.ts'),
};
const names = Object.keys(benches);

const args = process.argv.slice(2);
const [name, ...rest] = args[0] === '--' ? args.slice(1) : args;
const named = name !== undefined && !name.startsWith('-');
const found = new Map(await Promise.all(Object.entries(benches).map(async ([key, load]) => [key, (await load()).bench] as const)));
const summaries = [...found].map(([key, { summary }]) => `  ${key.padEnd(14)}${summary}`);
const bench = named ? found.get(name) : undefined;
const flags = readCommandLine(
  {
    name: 'bench',
    summary: `Measures a part of this repository beside its peer, in one run on this machine. Ends with 1 when a figure is below its bar.\n\nBenches:\n${summaries.join('\n')}`,
    examples: [
      'npm run bench -- kinesis',
      'npm run bench -- kinesis --json',
      'npm run bench -- engine',
      'npm run bench -- kinesis-soak --minutes 10',
      'npm run bench -- state',
      'npm run bench -- loader --events 400000',
    ],
  },
  { json: flag('end with one JSON line: {"type":"result","ok",…figures}'), ...bench?.flags },
  named || name === undefined ? rest : [name, ...rest],
);

async function run(chosen: Bench): Promise<number> {
  const interrupts = watchInterrupts();
  try {
    const figures = await chosen.run((line) => process.stderr.write(`${line}\n`), interrupts.signal, flags);
    process.stdout.write(`${table(figures)}\n${flags.json ? `${resultLine(figures)}\n` : ''}`);
    return figures.every(isMet) ? 0 : 1;
  } catch (error) {
    const interrupted = interrupts.exitCode();
    if (interrupted !== undefined) {
      process.stderr.write('stopped: the figures compare whole runs, so there are none\n');
      return interrupted;
    }
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

if (bench === undefined) {
  process.stderr.write(`npm run bench: ${named ? `no such bench: ${name}` : 'name a bench'}; there are: ${names.join(', ')}\n`);
  process.exitCode = 2;
} else {
  process.exitCode = await run(bench);
}
