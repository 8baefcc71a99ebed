import { readFile } from 'node:fs/promises';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { configurationPage, loadDefinitions } from './docs/configuration.ts';
import { keepGenerated } from './docs/generated.ts';
import { windowsPage } from './docs/windows/page.ts';

const flags = readCommandLine(
  {
    name: 'docs',
    summary: 'Writes the pages of docs/ that are generated from code.',
    examples: ['npm run docs', 'npm run docs -- --check'],
  },
  { check: flag('write nothing; exit 1 when the committed page differs') },
  process.argv.slice(2),
);

const configuration = configurationPage(await loadDefinitions(new URL('../services/', import.meta.url)));
const windows = await windowsPage(await readFile(new URL('../docs/windows.md', import.meta.url), 'utf8'));
await keepGenerated(
  'npm run docs',
  new Map([
    ['docs/configuration.md', configuration],
    ['docs/windows.md', windows],
  ]),
  flags.check,
);
