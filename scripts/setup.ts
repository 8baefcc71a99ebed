import { readCommandLine } from './cli/command-line.ts';

readCommandLine(
  {
    name: 'setup',
    summary:
      'Installs the npm packages, fetches and verifies the jars, bundles the services. Every command does what it needs of this by itself.',
    examples: ['npm run setup'],
  },
  {},
  process.argv.slice(2),
);

// All of it has run before this: scripts/run.mjs does it.
process.stdout.write('ready: npm run demo\n');
