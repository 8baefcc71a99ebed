import { readFileSync } from 'node:fs';
import { readCommandLine } from './cli/command-line.ts';
import { option } from './cli/flags.ts';
import { watchInterrupts } from './cli/interrupts.ts';
import { parseDuration, parseInteger, parseOneOf } from './cli/values.ts';
import { defaultSeed, Faults } from './local/kinesis/faults/faults.ts';
import { setFaults } from './local/kinesis/faults/faults-document.ts';
import { defaultPeriodMs, longestPeriodMs, shortestPeriodMs } from './local/kinesis/metrics/metrics.ts';
import { defaultMaxBytes, startKinesis } from './local/kinesis/server.ts';
import { Clock } from './local/kinesis/store/clock.ts';
import { slabBytes } from './local/kinesis/store/slab.ts';

const defaultPort = 4_567;
const maxCap = 1_099_511_627_776; // 1 TiB
const maxStatusDelayMs = 3_600_000; // an hour: AWS's own changes take minutes

const maxSeed = 4_294_967_295;

function faultsInFile(path: string): unknown {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  try {
    setFaults(new Faults(new Clock()), document); // as the server will
    return document;
  } catch (error) {
    throw new Error(`the faults are not right:\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const durationBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const ms = text === '0' ? 0 : parseDuration(text);
    if (ms < min || ms > max) throw new Error(`expected a duration from ${min} to ${max} ms`);
    return ms;
  };

const args = process.argv.slice(2);
const flags = readCommandLine(
  {
    name: 'kinesis',
    summary: `A local Kinesis Data Streams: HTTP/2 and HTTP/1.1 on one loopback port, records in memory. Prints one JSON line when it
answers: {"type":"ready","endpoint"}. Ends with 0 at SIGTERM, 130 at Ctrl-C, 1 when it cannot start, 2 when it is used wrongly.
More: scripts/local/kinesis/README.md`,
    examples: [
      'npm run kinesis',
      'npm run kinesis -- --port 0 --limits off',
      'npm run kinesis -- --max-bytes 268435456',
      'npm run kinesis -- --faults faults.json --seed 7 --metrics-period 1s --status-delay 500ms',
      `curl -s http://127.0.0.1:${defaultPort}/_local/`,
      `AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:${defaultPort} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x aws kinesis list-streams`,
    ],
  },
  {
    port: option('N', `port on 127.0.0.1, 0 for any free one (default ${defaultPort})`, defaultPort, parseInteger(0, 65_535)),
    limits: option('on|off', "AWS's limits per shard and second (default on)", 'on', parseOneOf('on', 'off')),
    'max-bytes': option(
      'N',
      `memory for records; beyond it the oldest are trimmed (default ${defaultMaxBytes}, 2 GiB)`,
      defaultMaxBytes,
      parseInteger(slabBytes, maxCap),
    ),
    faults: option(
      'FILE',
      'JSON: one fault or a list (docs/contracts/kinesis-faults.v1.json); more by the side endpoint, /_local/',
      undefined,
      faultsInFile,
    ),
    seed: option('N', `of the random numbers that faults draw (default ${defaultSeed})`, defaultSeed, parseInteger(0, maxSeed)),
    'status-delay': option(
      'DUR',
      'how long streams and consumers stay CREATING, UPDATING or DELETING (default 0s)',
      0,
      durationBetween(0, maxStatusDelayMs),
    ),
    'metrics-period': option(
      'DUR',
      'period of the metrics, 1s to 1h (default 60s, as in CloudWatch)',
      defaultPeriodMs,
      durationBetween(shortestPeriodMs, longestPeriodMs),
    ),
  },
  args[0] === '--' ? args.slice(1) : args,
);

async function serve(): Promise<number> {
  const interrupts = watchInterrupts({ first: () => undefined, exitCodes: { SIGTERM: 0 } });
  const stopped = new Promise<void>((resolve) => interrupts.signal.addEventListener('abort', () => resolve()));
  let warned = false;
  const server = await startKinesis({
    port: flags.port,
    limits: flags.limits === 'on',
    maxBytes: flags['max-bytes'],
    faults: flags.faults,
    seed: flags.seed,
    statusDelayMs: flags['status-delay'],
    metricsPeriodMs: flags['metrics-period'],
    onTrim() {
      if (!warned) process.stderr.write(`the cap of ${flags['max-bytes']} bytes is reached: the oldest records are trimmed from now on\n`);
      warned = true;
    },
  });
  process.stdout.write(`${JSON.stringify({ type: 'ready', endpoint: server.endpoint })}\n`);
  await stopped;
  await server.close();
  return interrupts.exitCode() ?? 0;
}

function messageOf(error: unknown): string {
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is taken: stop what uses it, or choose another with --port N (0 takes any free one)`;
  if (code === 'EACCES') return `port ${port} is not open to this user: choose one above 1023 with --port N`;
  return message;
}

try {
  process.exitCode = await serve();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
