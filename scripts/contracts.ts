import { readFile, writeFile } from 'node:fs/promises';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { contractFiles } from './contracts/schemas.ts';

const root = new URL('../', import.meta.url);

const flags = readCommandLine(
  {
    name: 'contracts',
    summary: 'Writes docs/contracts/ from the schemas that the services enforce.',
    examples: ['npm run contracts', 'npm run contracts -- --check'],
  },
  { check: flag('write nothing; exit 1 when a committed file differs') },
  process.argv.slice(2),
);

for (const [path, content] of contractFiles()) {
  const committed = await readFile(new URL(path, root), 'utf8').catch(() => '');
  if (committed === content) process.stderr.write(`${path} is up to date\n`);
  else if (flags.check) {
    process.exitCode = 1;
    process.stderr.write(`${path} differs from the code: run \`npm run contracts\` and commit the result\n`);
  } else {
    await writeFile(new URL(path, root), content);
    process.stderr.write(`${path} written\n`);
  }
}
