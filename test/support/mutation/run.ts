import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Mutant, mutantsOf } from './mutants.ts';
import { rooms } from './rooms.ts';

/**
 * Moves each boundary of the window and rule engine, one at a time, in a copy of the tree, and runs the tests that hold the file.
 * Lists the mutants that no test has noticed; ends with 1 if one of them is not in equivalent.json, or one there is not met any more. By hand, it takes long:
 *
 *     node --import tsx test/support/mutation/run.ts [PATH...]     # sources that begin with a path; default: all
 */
const root = fileURLToPath(new URL('../../..', import.meta.url));
const copied = ['services', 'test', 'scripts', 'docs', 'package.json', 'tsconfig.json', '.mocharc.json'];
/** A mutant whose tests take longer has made an endless loop, and is noticed. */
const limitMs = 120_000;

interface Equivalent extends Pick<Mutant, 'file' | 'code' | 'change'> {
  readonly reason: string;
}

const wanted = process.argv.slice(2);
const equivalents = JSON.parse(await readFile(new URL('equivalent.json', import.meta.url), 'utf8')) as readonly Equivalent[];
const tree = await mkdtemp(join(tmpdir(), 'mutants-'));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
try {
  process.exitCode = await run();
} finally {
  await rm(tree, { recursive: true, force: true });
}

async function run(): Promise<number> {
  for (const name of copied) await cp(join(root, name), join(tree, name), { recursive: true });
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  let [tried, noticed, judged] = [0, 0, 0];
  const survivors: Mutant[] = [];
  const sound = new Set<readonly string[]>();
  const met = new Set<Equivalent>();
  const files = await sources();
  for (const file of files) {
    const text = await readFile(join(tree, file), 'utf8');
    const tests = rooms.find((room) => file.startsWith(room.sources))?.tests ?? [];
    if (!sound.has(tests) && !(await testsPass(tests))) throw new Error(`${tests.join(', ')} fail without any change`);
    sound.add(tests);
    for (const mutant of mutantsOf(file, text)) {
      if (stop.signal.aborted) break;
      tried++;
      const known = equivalents.find(({ file: of, code, change }) => of === file && code === mutant.code && change === mutant.change);
      if (known !== undefined) {
        met.add(known);
        judged++;
        continue;
      }
      await writeFile(join(tree, file), mutant.mutated);
      const passed = await testsPass(tests);
      if (!passed) noticed++;
      else if (!stop.signal.aborted) {
        survivors.push(mutant);
        process.stdout.write(`${file}:${mutant.line}  ${mutant.change}  ${mutant.code}\n`);
      }
      process.stderr.write(`${tried} tried, ${noticed} noticed, ${survivors.length} survived, ${judged} judged equivalent\n`);
    }
    await writeFile(join(tree, file), text);
  }
  if (stop.signal.aborted) return 130;
  const stale = equivalents.filter((known) => !met.has(known) && files.includes(known.file));
  for (const { file, change, code } of stale)
    process.stdout.write(`judged equivalent, but there is no such mutant: ${file}  ${change}  ${code}\n`);
  return survivors.length + stale.length > 0 ? 1 : 0;
}

async function sources(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ['services/lib/windows', 'services/lib/rules']) {
    for (const entry of await readdir(join(tree, folder), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) found.push(join(entry.parentPath, entry.name).slice(tree.length + 1));
    }
  }
  return found.filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(path))).sort();
}

/** Tests of one path after the other, so that a mutant is mostly noticed by the quickest. */
async function testsPass(tests: readonly string[]): Promise<boolean> {
  for (const path of tests) {
    const spec = path.endsWith('.ts') ? path : `${path}/**/*.test.ts`;
    const args = ['-n', '19', process.execPath, join(root, 'node_modules/mocha/bin/mocha.js'), '--bail', '--reporter', 'dot', spec];
    const child = spawn('nice', args, { cwd: tree, stdio: 'ignore', detached: true });
    const { pid } = child;
    // A test may have started processes of its own: the whole group goes.
    const end = (): void => {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    };
    const timer = setTimeout(end, limitMs);
    stop.signal.addEventListener('abort', end, { once: true });
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    stop.signal.removeEventListener('abort', end);
    if (code !== 0) return false;
  }
  return true;
}
