import { userInfo } from 'node:os';
import { isPlatformError } from '../services/lib/process/errors.ts';
import { openDatabase } from '../services/lib/warehouse/database.ts';
import { serverlessClient } from '../services/lib/warehouse/serverless-credentials.ts';
import { readCommandLine } from './cli/command-line.ts';
import { UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { accountOf } from './migrate/place.ts';
import { repairFlags } from './repair/flags.ts';
import { openPlace } from './repair/place.ts';
import { repair } from './repair/repair.ts';

/** A Serverless workgroup that was idle takes a while to answer. */
const limits = { connectMs: 60_000, statementMs: 60_000, lockMs: 60_000 };

const flags = readCommandLine(
  {
    name: 'repair',
    summary: `Staged files of the loader that are missing or corrupt: which, and with --yes made again from the stream. Looks at the file that each shard
waits for as a whole, at the others by size and checksum as stored. What has left the stream is told row by row: nothing is registered
with less than it had unless --accept-loss. A dry run until --yes; each change leaves an audit object. docs/runbooks/object-missing.md

Exit code: 0 nothing is faulty or all of it was repaired, 1 something is or could not be, 2 wrong usage, 130 Ctrl-C.`,
    examples: [
      "npm run repair -- --stage prod --objects s3://bucket/prefix --url 'redshift://HOST:5439/dev?workgroup=NAME'",
      "npm run repair -- --stage prod --objects s3://bucket/prefix --url 'redshift://HOST:5439/dev?workgroup=NAME' --yes",
      'npm run repair -- --stage prod --yes --accept-loss --json',
      'npm run repair -- --endpoint http://127.0.0.1:8000 --kinesis http://127.0.0.1:4567 --objects file:///run/objects --url postgres://postgres@127.0.0.1:5432/postgres',
    ],
  },
  repairFlags,
  process.argv.slice(2),
);

const interrupts = watchInterrupts();

try {
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  const place = await openPlace(flags, {
    env: process.env,
    note,
    open: (url, access) => openDatabase(url, limits, access),
    accountOf: (region, workgroup) => accountOf(serverlessClient(region, undefined), workgroup),
  });
  try {
    const exitCode = await repair(flags, place, {
      out: (line) => process.stdout.write(`${line}\n`),
      note,
      now: Date.now,
      signal: interrupts.signal,
      operator: userInfo().username,
    });
    process.exitCode = interrupts.exitCode() ?? exitCode;
  } finally {
    place.close();
  }
} catch (error) {
  const isUsage = error instanceof UsageError || isPlatformError(error, 'CONFIG_INVALID');
  process.stderr.write(`npm run repair: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
