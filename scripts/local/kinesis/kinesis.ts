import { fileURLToPath } from 'node:url';
import { type ManagedProcess, startProcess } from '../process/managed-process.ts';

const script = fileURLToPath(new URL('../../kinesis.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));
const readyTimeoutMs = 60_000;

/** What a server in a process of its own can be told: KinesisOptions say what each means. */
export interface KinesisSettings {
  readonly limits?: boolean;
  readonly maxBytes?: number;
  /** Path of a file that holds the faults. */
  readonly faultsFile?: string;
  readonly seed?: number;
  readonly statusDelayMs?: number;
  readonly metricsPeriodMs?: number;
}

export interface KinesisProcessOptions extends KinesisSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** @default 0: any free port */
  readonly port?: number;
}

/** The local Kinesis as `npm run kinesis` starts it, in a process of its own. Rejects with StartFailure. */
export async function startKinesisProcess(options: KinesisProcessOptions): Promise<{ endpoint: string; process: ManagedProcess }> {
  const kinesis = await startProcess({
    name: 'Kinesis',
    command: process.execPath,
    args: [
      '--import',
      'tsx',
      script,
      '--port',
      String(options.port ?? 0),
      ...(options.limits === false ? ['--limits', 'off'] : []),
      ...flag('max-bytes', options.maxBytes),
      ...flag('faults', options.faultsFile),
      ...flag('seed', options.seed),
      ...flag('status-delay', options.statusDelayMs, 'ms'),
      ...flag('metrics-period', options.metricsPeriodMs, 'ms'),
    ],
    env: options.env,
    cwd: root,
    logFile: options.logFile,
    ready: { stdoutLine: /^\{"type":"ready","endpoint":"(http:[^"]+)"\}$/ },
    readyTimeoutMs,
  });
  return { endpoint: kinesis.readyMatch?.[1] ?? '', process: kinesis };
}

const flag = (name: string, value: string | number | undefined, unit = ''): string[] =>
  value === undefined ? [] : [`--${name}`, `${value}${unit}`];
