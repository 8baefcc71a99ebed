import { readCommandLine } from './cli/command-line.ts';
import { kclLine } from './cli/kcl-line.ts';

readCommandLine(
  {
    name: 'setup',
    summary:
      'Installs the npm packages, fetches and verifies the jars, bundles the services. Every command does what it needs of this by itself.',
    examples: ['npm run setup', 'npm run setup -- --kcl 3'],
  },
  { kcl: kclLine('3: the jars of KCL 3.x too') },
  process.argv.slice(2),
);

// All of it has run before this: scripts/run.mjs does it.
process.stdout.write('ready: npm run demo\n');
