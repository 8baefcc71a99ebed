import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { planted as plantedInLoader } from '../../loader/planted/list.ts';
import { type Edit, type Planted, planted as plantedInState } from './list.ts';
import type { Found } from './search-result.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const copied = [
  'services',
  'scripts/judge',
  'test/simulation',
  'test/services/redshift-loader/memory.ts',
  'test/support/pglite-warehouse.ts',
  'package.json',
  'tsconfig.json',
];
const plantedIn = { state: plantedInState, loader: plantedInLoader };
export type PlantedIn = keyof typeof plantedIn;
/** An endless loop in the code under test is noticed too. */
const limitMs = 300_000;

export interface Tried extends Found {
  readonly name: string;
  readonly harmless: string | undefined;
  /** Some rule was broken within the seeds. */
  readonly found: boolean;
}

/** Breaks one step of the protocol after the other, in a copy of the tree, and looks for the first seeds that tell. */
export async function* tryPlanted(where: PlantedIn, seeds: number, signal: AbortSignal): AsyncGenerator<Tried> {
  const tree = await mkdtemp(join(tmpdir(), 'planted-'));
  const search = `test/simulation/${where}/planted/search.ts`;
  try {
    for (const name of copied) await cp(join(root, name), join(tree, name), { recursive: true });
    await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
    const sound = await searched(tree, search, Math.ceil(seeds / 10), {}, signal);
    if (Object.keys(sound.firstSeeds).length > 0) throw new Error(`without any change: ${JSON.stringify(sound.firstSeeds)}`);
    for (const bug of plantedIn[where]) {
      if (signal.aborted) return;
      yield await tried(tree, search, bug, seeds, signal);
    }
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}

async function tried(
  tree: string,
  search: string,
  { name, edits, harmless, scenario = {} }: Planted<object>,
  seeds: number,
  signal: AbortSignal,
): Promise<Tried> {
  const files = [...new Set(edits.map(({ file }) => file))];
  const before = await Promise.all(files.map((file) => readFile(join(tree, file), 'utf8')));
  try {
    for (const edit of edits) await plant(tree, name, edit);
    const found = await searched(tree, search, seeds, scenario, signal);
    return { name, harmless, ...found, found: Object.keys(found.firstSeeds).length > 0 };
  } finally {
    for (const [i, file] of files.entries()) await writeFile(join(tree, file), before[i] ?? '');
  }
}

async function plant(tree: string, name: string, { file, find, replace }: Edit): Promise<void> {
  const text = await readFile(join(tree, file), 'utf8');
  if (text.split(find).length !== 2) throw new Error(`planted bug "${name}": ${file} must hold exactly once: ${find}`);
  await writeFile(
    join(tree, file),
    text.replace(find, () => replace),
  );
}

async function searched(tree: string, search: string, seeds: number, more: object, signal: AbortSignal): Promise<Found> {
  const options = { cwd: tree, signal, timeout: limitMs, killSignal: 'SIGKILL' as const };
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', search, String(seeds), JSON.stringify(more)],
      options,
    );
    return JSON.parse(stdout) as Found;
  } catch (error) {
    signal.throwIfAborted();
    // It crashed, or made no end.
    return { runs: seeds, firstSeeds: { [`end (${error instanceof Error ? (error.message.split('\n').at(-2) ?? '') : ''})`]: 1 } };
  }
}
