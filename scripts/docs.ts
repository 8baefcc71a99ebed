import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { configurationPage, loadDefinitions } from './docs/configuration.ts';

const help = `Writes the pages of docs/ that are generated from code.

  npm run docs               write docs/configuration.md
  npm run docs -- --check    write nothing; exit 1 when the committed page differs

Options
  --check   compare instead of writing
  --help    this text
`;

const root = new URL('../', import.meta.url);
const page = new URL('docs/configuration.md', root);

async function main(): Promise<number> {
  let options: { check?: boolean; help?: boolean };
  try {
    options = parseArgs({ options: { check: { type: 'boolean' }, help: { type: 'boolean' } } }).values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const expected = configurationPage(await loadDefinitions(new URL('services/', root)));
  const committed = await readFile(page, 'utf8').catch(() => '');
  if (committed === expected) {
    process.stderr.write('docs/configuration.md is up to date\n');
    return 0;
  }
  if (options.check) {
    process.stderr.write('docs/configuration.md differs from services/*/service.ts: run `npm run docs` and commit the result\n');
    return 1;
  }
  await writeFile(page, expected);
  process.stderr.write('docs/configuration.md written\n');
  return 0;
}

process.exitCode = await main();
