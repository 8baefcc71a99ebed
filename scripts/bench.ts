import { readdirSync } from 'node:fs';
import { type Bench, isMet, resultLine, table } from './bench/harness/bench.ts';
import { flag, flagHelp, parseFlags, UsageError } from './cli/flags.ts';

const flagTable = { json: flag('end with one JSON line: {"type":"result","ok",…figures}'), help: flag('this text') } as const;
const folder = new URL('./bench/', import.meta.url);

const names = (): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name.endsWith('.ts') ? [entry.name.slice(0, -'.ts'.length)] : [],
  );

const load = async (name: string): Promise<Bench> => ((await import(new URL(`${name}.ts`, folder).href)) as { bench: Bench }).bench;

async function help(): Promise<string> {
  const lines = await Promise.all(names().map(async (name) => `  ${name.padEnd(10)}${(await load(name)).summary}`));
  return `Measures parts of this repository beside their peers, in one run on this machine. Exit 1 when a figure is below its bar.

Benches
${lines.join('\n')}

Examples
  npm run bench -- kinesis
  npm run bench -- kinesis --json

Flags
${flagHelp(flagTable)}
`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv[0] === '--' ? argv.slice(1) : argv;
  const named = name !== undefined && !name.startsWith('-');
  const flags = parseFlags(flagTable, named ? rest : name === undefined ? [] : [name, ...rest]);
  if (flags.help) {
    process.stdout.write(await help());
    return 0;
  }
  if (!named || !names().includes(name)) {
    throw new UsageError(`${named ? `no such bench: ${name}` : 'name a bench'}; there are: ${names().join(', ')}`);
  }
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  try {
    const figures = await (await load(name)).run((line) => process.stderr.write(`${line}\n`), stop.signal);
    process.stdout.write(`${table(figures)}\n${flags.json ? `${resultLine(figures)}\n` : ''}`);
    return figures.every(isMet) ? 0 : 1;
  } catch (error) {
    if (stop.signal.aborted) return 130;
    throw error;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n${usage ? 'npm run bench -- --help shows them.\n' : ''}`,
  );
  process.exitCode = usage ? 2 : 1;
}
