import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { contractFiles } from './contracts/schemas.ts';
import { keepGenerated } from './docs/generated.ts';

const flags = readCommandLine(
  {
    name: 'contracts',
    summary: 'Writes docs/contracts/ from the schemas that the services enforce.',
    examples: ['npm run contracts', 'npm run contracts -- --check'],
  },
  { check: flag('write nothing; exit 1 when a committed file differs') },
  process.argv.slice(2),
);

await keepGenerated('npm run contracts', contractFiles(), flags.check);
