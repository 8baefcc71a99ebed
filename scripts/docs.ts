import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { configurationPage, loadDefinitions } from './docs/configuration.ts';
import { keepGenerated } from './docs/generated.ts';

const flags = readCommandLine(
  {
    name: 'docs',
    summary: 'Writes the pages of docs/ that are generated from code.',
    examples: ['npm run docs', 'npm run docs -- --check'],
  },
  { check: flag('write nothing; exit 1 when the committed page differs') },
  process.argv.slice(2),
);

const page = configurationPage(await loadDefinitions(new URL('../services/', import.meta.url)));
await keepGenerated('npm run docs', new Map([['docs/configuration.md', page]]), flags.check);
