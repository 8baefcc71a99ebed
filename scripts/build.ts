import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readCommandLine } from './cli/command-line.ts';
import { flag } from './cli/flags.ts';
import { ensureBundles } from './setup/bundles.mjs';

const flags = readCommandLine(
  {
    name: 'build',
    summary: 'Bundles every service that has a main.ts into dist/<service>/main.js.',
    examples: ['npm run build', 'npm run build -- --force'],
  },
  { force: flag('bundle also what has not changed'), json: flag('one JSON line') },
  process.argv.slice(2),
);

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const made = await ensureBundles(root, { force: flags.force });
if (flags.json) {
  process.stdout.write(`${JSON.stringify({ type: 'result', made, ok: true })}\n`);
} else {
  for (const { service, bytes, ms } of made) process.stdout.write(`dist/${service}/main.js  ${(bytes / 1e6).toFixed(1)} MB  ${ms} ms\n`);
  if (made.length === 0) process.stdout.write('all bundles are fresh\n');
}
