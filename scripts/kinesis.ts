import { once } from 'node:events';
import { flag, flagHelp, option, parseFlags, UsageError } from './cli/flags.ts';
import { parseInteger, parseOneOf } from './cli/values.ts';
import { defaultMaxBytes, startKinesis } from './local/kinesis/server.ts';
import { slabBytes } from './local/kinesis/store/slab.ts';

const defaultPort = 4_567;
const maxCap = 1_099_511_627_776; // 1 TiB

const flagTable = {
  port: option('N', `port on 127.0.0.1, 0 for any free one (default ${defaultPort})`, defaultPort, parseInteger(0, 65_535)),
  limits: option('on|off', "AWS's limits per shard and second (default on)", 'on', parseOneOf('on', 'off')),
  'max-bytes': option(
    'N',
    `memory for records; beyond it the oldest are trimmed (default ${defaultMaxBytes}, 2 GiB)`,
    defaultMaxBytes,
    parseInteger(slabBytes, maxCap),
  ),
  help: flag('this text'),
} as const;

const help = `A local Kinesis Data Streams: HTTP/2 and HTTP/1.1 on one loopback port, in memory. Prints one JSON line when it answers.

Examples
  npm run kinesis
  npm run kinesis -- --port 0 --limits off
  npm run kinesis -- --max-bytes 268435456
  AWS_ENDPOINT_URL_KINESIS=http://127.0.0.1:${defaultPort} aws kinesis list-streams

Flags
${flagHelp(flagTable)}

Exit codes: 0 stopped, 1 cannot start, 2 wrong use, 130 Ctrl-C. More: scripts/local/kinesis/README.md
`;

const exitOn = { SIGINT: 130, SIGTERM: 0 } as const;

async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const flags = parseFlags(flagTable, args[0] === '--' ? args.slice(1) : args);
  if (flags.help) {
    process.stdout.write(help);
    return 0;
  }
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
  process.exitCode = await main();
} catch (error) {
  const usage = error instanceof UsageError;
  process.stderr.write(`${messageOf(error)}\n${usage ? 'npm run kinesis -- --help shows all flags.\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
