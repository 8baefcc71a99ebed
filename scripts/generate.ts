import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { kinesisClient } from '../services/lib/process/aws.ts';
import { isLoopbackUrl } from '../services/lib/process/config.ts';
import { fileErrorText } from './cli/file-error.ts';
import { flagHelp, parseFlags, UsageError } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { type GenerateFlags, generateFlags, plantedPace } from './generate/flags.ts';
import { assertReachable } from './generate/reach.ts';
import { SendLog } from './generate/send-log.ts';
import { Sender } from './generate/sender.ts';
import { recordsOf } from './generate/source.ts';
import { writeRecords } from './generate/to-file.ts';

/** A local stream that acknowledges nothing for so long has gone. */
const maxSilenceMs = 30_000;

const help = `Seeded booking traffic with planted fraud: change records as DynamoDB writes them, or canonical events.

${plantedPace}

Examples
  npm run generate -- --duration 10m --rate 100 --out changes.ndjson
  npm run generate -- --format events --duration 1h --rate 50 --late 1% --out events.ndjson
  npm run generate -- --stream booking-changes --endpoint http://127.0.0.1:4567 --rate 500 --record sent.ndjson

Flags
${flagHelp(generateFlags)}

Exit code: 0 done, 1 it could not be, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM.
`;

async function toFile(flags: GenerateFlags, signal: AbortSignal): Promise<void> {
  const records = recordsOf({ ...flags, startMs: flags.start ?? Date.now(), durationMs: flags.duration });
  const { written, leftOut } = await writeRecords(records, flags.out ?? '-', signal);
  const note = leftOut > 0 ? `, ${leftOut} malformed ones left out that are no line of text` : '';
  process.stderr.write(`${written} records written${note}\n`);
}

async function toStream(flags: GenerateFlags, streamName: string, endpoint: string, signal: AbortSignal): Promise<void> {
  const unused = 'http://127.0.0.1:1'; // local mode wants all endpoints; nothing else is called
  const kinesis = kinesisClient({
    AWS_REGION: 'us-east-1',
    LOCAL_MODE: true,
    KINESIS_ENDPOINT: endpoint,
    DYNAMODB_ENDPOINT: unused,
    SNS_ENDPOINT: unused,
  });
  try {
    await assertReachable(kinesis, streamName, endpoint, signal);
    await sendAll(flags, streamName, kinesis, signal);
  } finally {
    kinesis.destroy();
  }
}

async function sendAll(flags: GenerateFlags, streamName: string, kinesis: KinesisClient, signal: AbortSignal): Promise<void> {
  const log = new SendLog({ keep: false, file: flags.record });
  const sender = new Sender({
    kinesis,
    streams: { changes: streamName, events: streamName },
    onSent: (record) => log.add(record),
    now: Date.now,
    random: Math.random,
    maxSilenceMs,
  });
  try {
    await sender.run(recordsOf({ ...flags, startMs: Date.now(), durationMs: flags.duration }), signal);
  } finally {
    await log.close();
  }
  const { sent, refused, unanswered } = sender.figures;
  process.stderr.write(`${sent} records put, ${refused} refused and put again, ${unanswered} requests without an answer\n`);
}

function check(flags: GenerateFlags): void {
  if (flags.stream !== undefined && flags.out !== undefined) throw new UsageError('--out or --stream, not both');
  if ((flags.stream === undefined) !== (flags.endpoint === undefined)) throw new UsageError('--stream and --endpoint go together');
  if (flags.endpoint !== undefined && !isLoopbackUrl(flags.endpoint)) {
    throw new UsageError(`--endpoint ${flags.endpoint}: generated bookings go to a local stream only (127.0.0.1, localhost)`);
  }
  if (flags.stream !== undefined && flags.start !== undefined) throw new UsageError('--start is for files; a stream gets the time of day');
  if (flags.stream === undefined && flags.record !== undefined) throw new UsageError('--record goes with --stream');
}

async function main(): Promise<number> {
  const flags = parseFlags(generateFlags, process.argv.slice(2));
  if (flags.help) {
    process.stdout.write(help);
    return 0;
  }
  check(flags);
  const interrupts = watchInterrupts();
  const { signal } = interrupts;
  const { stream, endpoint } = flags;
  await (stream === undefined || endpoint === undefined ? toFile(flags, signal) : toStream(flags, stream, endpoint, signal));
  return interrupts.exitCode() ?? 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(
    `${fileErrorText(error) ?? (error instanceof Error ? error.message : String(error))}\n${usage ? 'npm run generate -- --help shows all flags.\n' : ''}`,
  );
  process.exitCode = usage ? 2 : 1;
}
