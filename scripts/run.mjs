/**
 * `npm run NAME -- ARGS` = set-up, then scripts/NAME.ts (`a:b` is in a-b.ts) in this very process, so that signals and exit codes are the
 * command's own.
 * Plain Node without dependencies: it is what installs them.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { explain, SetupFailure } from './setup/failure.mjs';
import { needsOf } from './setup/needs.mjs';
import { reportOnStderr } from './setup/progress.mjs';
import { setUp } from './setup/set-up.mjs';

const scripts = dirname(fileURLToPath(import.meta.url));
const root = dirname(scripts);
const [name = 'help', ...rest] = process.argv.slice(2);
const args = rest[0] === '--' ? rest.slice(1) : rest;
const script = join(scripts, `${name.replace(':', '-')}.ts`);

if (!/^[a-z][a-z-]*(:[a-z]+)?$/.test(name) || !existsSync(script)) {
  process.stderr.write(`no such command: ${name}\nnpm run help lists them all.\n`);
  process.exit(2);
}

// Leaving through exit() lets set-up end its tools and remove what is half-made.
const leaveOn = new Map([
  ['SIGINT', () => process.exit(130)],
  ['SIGTERM', () => process.exit(143)],
]);
for (const [signal, leave] of leaveOn) process.on(signal, leave);
try {
  await setUp({ root, needs: needsOf(name, args), report: reportOnStderr });
} catch (thrown) {
  const error = explain(thrown, root);
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`\n${error.message}\n\n${error.remedy}\n`);
  process.exit(1);
}
for (const [signal, leave] of leaveOn) process.off(signal, leave);

process.stdout.on('error', (error) => {
  // A reader that left early (`| head`) has what it wanted.
  if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EPIPE') process.exit();
  process.stderr.write(`npm run ${name}: cannot write to stdout: ${error.message}\n`);
  process.exit(1);
});

// It would bury a command's own lines; which Node we run on is ours to decide (engines in package.json).
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

process.argv = [process.argv[0] ?? 'node', script, ...args];
const { register } = await import('tsx/esm/api');
register();
await import(pathToFileURL(script).href);
