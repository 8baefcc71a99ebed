import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { contractFiles } from './contracts/schemas.ts';

const help = `Writes docs/contracts/ from the schemas that the services enforce.

  npm run contracts               write the files
  npm run contracts -- --check    write nothing; exit 1 when a committed file differs

Options
  --check   compare instead of writing
  --help    this text
`;

const root = new URL('../', import.meta.url);

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
  let stale = 0;
  for (const [path, content] of contractFiles()) {
    const committed = await readFile(new URL(path, root), 'utf8').catch(() => '');
    if (committed === content) process.stderr.write(`${path} is up to date\n`);
    else if (options.check) {
      stale++;
      process.stderr.write(`${path} differs from the code: run \`npm run contracts\` and commit the result\n`);
    } else {
      await writeFile(new URL(path, root), content);
      process.stderr.write(`${path} written\n`);
    }
  }
  return stale === 0 ? 0 : 1;
}

process.exitCode = await main();
