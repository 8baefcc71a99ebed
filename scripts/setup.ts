/** All of set-up has run before this: scripts/run.mjs does it. */
process.stdout.write('ready: npm run demo\n');
