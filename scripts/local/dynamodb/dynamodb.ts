import { fileURLToPath } from 'node:url';
import { type ManagedProcess, startProcess } from '../process/managed-process.ts';

const launcher = fileURLToPath(new URL('java/Loopback.java', import.meta.url));
const readyTimeoutMs = 60_000;
const heap = '-Xmx256m';

export interface DynamoOptions {
  /** Folder of the jars that set-up has fetched. */
  readonly jars: string;
  readonly logFile: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** @default 0: any free port */
  readonly port?: number;
}

/** DynamoDB Local in memory, on loopback. Rejects with StartFailure. */
export async function startDynamo(options: DynamoOptions): Promise<{ endpoint: string; process: ManagedProcess }> {
  const process = await startProcess({
    name: 'DynamoDB Local',
    command: 'java',
    args: [
      heap,
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      '-Djava.net.preferIPv4Stack=true',
      `-Djava.library.path=${options.jars}`,
      '-cp',
      `${options.jars}/*`,
      launcher,
      String(options.port ?? 0),
    ],
    env: options.env,
    cwd: options.cwd,
    logFile: options.logFile,
    ready: { stdoutLine: /^\{"type":"ready","endpoint":"(http:[^"]+)"\}$/ },
    readyTimeoutMs,
  });
  return { endpoint: process.readyMatch?.[1] ?? '', process };
}
