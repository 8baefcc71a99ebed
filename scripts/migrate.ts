import { userInfo } from 'node:os';
import { isPlatformError } from '../services/lib/process/errors.ts';
import { openDatabase } from '../services/lib/warehouse/database.ts';
import { serverlessClient } from '../services/lib/warehouse/serverless-credentials.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { migrateFlags } from './migrate/flags.ts';
import { migrateCommand } from './migrate/migrate.ts';
import { accountOf } from './migrate/place.ts';

/** A Serverless workgroup that was idle takes a while to answer; a migration may rewrite a table. */
const limits = { connectMs: 60_000, statementMs: 3_600_000, lockMs: 60_000 };

const flags = readCommandLine(
  {
    name: 'migrate',
    summary: `The warehouse's schema and the calendar of its business time zone: what is applied, what is missing, and with --yes the missing part.
A dry run until --yes. Each migration is one transaction; two migrators take turns. A stage's change leaves an audit line.

Exit code: 0 done, nothing to do or a dry run, 1 it could not be done, --check found something or --yes left a fault, 2 wrong usage, 130 Ctrl-C.`,
    examples: [
      "npm run migrate -- --stage staging --url 'redshift://HOST:5439/dev?workgroup=NAME'",
      "npm run migrate -- --stage staging --url 'redshift://HOST:5439/dev?workgroup=NAME' --objects s3://bucket/prefix --time-zone Europe/Berlin --yes",
      'npm run migrate -- --stage prod --check --json',
      'npm run migrate -- --url postgres://postgres@127.0.0.1:5432/postgres --time-zone UTC --yes',
      'npm run migrate -- --sql --dialect redshift',
      'npm run migrate -- --grants IAMR:redshift-loader',
    ],
  },
  migrateFlags,
  process.argv.slice(2),
);

try {
  process.exitCode = await migrateCommand(flags, {
    env: process.env,
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    now: Date.now,
    operator: userInfo().username,
    open: (url, access) => openDatabase(url, limits, access),
    accountOf: (region, workgroup) => accountOf(serverlessClient(region, undefined), workgroup),
  });
} catch (error) {
  const isUsage = error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');
  process.stderr.write(`npm run migrate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
