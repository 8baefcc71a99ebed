import { once } from 'node:events';
import { readCommandLine } from './cli/command-line.ts';
import { option } from './cli/flags.ts';
import { parseInteger, parseOneOf } from './cli/values.ts';
import { defaultMaxBytes, startKinesis } from './local/kinesis/server.ts';
import { slabBytes } from './local/kinesis/store/slab.ts';

const defaultPort = 4_567;
const maxCap = 1_099_511_627_776; // 1 TiB
const exitOn = { SIGINT: 130, SIGTERM: 0 } as const;

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
      `AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:${defaultPort} aws kinesis list-streams`,
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
  },
  args[0] === '--' ? args.slice(1) : args,
);

async function serve(): Promise<number> {
  const stopped = Promise.race([once(process, 'SIGINT').then(() => exitOn.SIGINT), once(process, 'SIGTERM').then(() => exitOn.SIGTERM)]);
  let warned = false;
  const server = await startKinesis({
    port: flags.port,
    limits: flags.limits === 'on',
    maxBytes: flags['max-bytes'],
    onTrim() {
      if (!warned) process.stderr.write(`the cap of ${flags['max-bytes']} bytes is reached: the oldest records are trimmed from now on\n`);
      warned = true;
    },
  });
  process.stdout.write(`${JSON.stringify({ type: 'ready', endpoint: server.endpoint })}\n`);
  const code = await stopped;
  await server.close();
  return code;
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
