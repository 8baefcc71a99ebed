import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watchInterrupts } from '../cli/interrupts.ts';
import { type ServiceName, type StreamName, serviceNames } from '../demo/flags.ts';
import { type LocalSystem, type ServiceSettings, startLocalSystem } from '../demo/local-system.ts';
import { untilAllRead } from '../demo/readiness.ts';
import { createRunFolder, diskFullRemedy, type RunFolder } from '../demo/run-folder.ts';
import type { LocalStack, StackOptions } from '../local/stack.ts';
import type { DrillFlags } from './flags.ts';
import { Traffic } from './traffic.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A reader and a pause per shard, and the faults, wait on one signal. */
const maxWaiting = 200;
/** Logs, warehouse and snapshots of an empty run, and of each record in it. */
const leastBytes = 200 * 1_048_576;
const diskBytesPerRecord = 4_000;
/** A judged run must never be trimmed: both streams of a record, aggregation not counted. */
const leastKinesisBytes = 512 * 1_048_576;
const kinesisBytesPerRecord = 6_000;
/** Planted fraud, near misses and duplicates come on top of the rate. */
const shareOnTop = 1.3;

/** `main` gets the flags behind the drill's name and resolves to the exit code. */
export interface Drill {
  readonly summary: string;
  readonly main: (argv: readonly string[]) => Promise<number>;
}

/** The running services under traffic, for a drill to work on. */
export interface Session {
  readonly system: LocalSystem;
  readonly traffic: Traffic;
  readonly folder: RunFolder;
  readonly flags: DrillFlags;
  readonly say: (text: string) => void;
  /** Aborted by Ctrl-C, and when a service ends by itself. */
  readonly signal: AbortSignal;
}

export interface SessionOptions {
  readonly flags: DrillFlags;
  readonly shards: Readonly<Record<StreamName, number>>;
  /** Longest time of traffic, for the room it takes. */
  readonly maxTrafficMs: number;
  readonly episodeEveryMs: number;
  readonly warehouse?: StackOptions['warehouse'];
  /** Configuration of single services, over what the flags say. */
  readonly settings?: (stack: LocalStack) => Promise<ServiceSettings>;
  /** Before the traffic begins. */
  readonly prepare?: (system: LocalSystem, signal: AbortSignal) => Promise<void>;
}

/** How a drill ended; `ok` decides the exit code and whether the folder stays. */
export interface Outcome {
  readonly ok: boolean;
  /** The JSON line's figures. */
  readonly figures: object;
  /** The same for people. */
  readonly text: string;
}

/** Starts everything, runs the drill, prints what came out, stops everything. Resolves to the exit code. */
export async function runSession(options: SessionOptions, drill: (session: Session) => Promise<Outcome>): Promise<number> {
  const { flags } = options;
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const records = (flags.rate * shareOnTop * options.maxTrafficMs) / 1_000;
  const folder = createRunFolder(flags.keep, leastBytes + records * diskBytesPerRecord);
  const removeAtExit = (): void => folder.remove();
  process.on('exit', removeAtExit); // also when a second Ctrl-C ends it at once
  const interrupts = watchInterrupts();
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupts.signal, failed.signal]);
  setMaxListeners(maxWaiting, signal);
  let system: LocalSystem | undefined;
  try {
    system = await startLocalSystem({
      folder,
      shards: options.shards,
      kinesisBytes: Math.max(leastKinesisBytes, records * kinesisBytesPerRecord),
      retrieval: 'polling',
      warehouse: options.warehouse ?? 'pglite',
      settings: async (stack) => withFlags(flags, await options.settings?.(stack)),
      onProgress: say,
      onFailure: (error) => failed.abort(error),
      signal,
    });
    await untilAllRead(system, signal);
    await options.prepare?.(system, signal);
    say(`all consumers read after ${(performance.now() / 1_000).toFixed(1)} s`);
    const { rate, seed } = flags;
    const settings = { rate, seed, episodeEveryMs: options.episodeEveryMs };
    const traffic = new Traffic({ kinesis: system.kinesis, settings, signal, onFailure: (error) => failed.abort(error) });
    const outcome = await drill({ system, traffic, folder, flags, say, signal });
    report(flags, outcome);
    if (!outcome.ok) folder.keep();
    if (isKept(flags, outcome.ok)) say(`the run is kept in ${folder.path}`);
    return outcome.ok ? 0 : 1;
  } catch (error) {
    if (interrupts.signal.aborted) return interrupts.exitCode() ?? 1;
    folder.keep();
    say(`the run is kept: logs in ${join(folder.path, 'logs')}`);
    const thrown: unknown = failed.signal.aborted ? failed.signal.reason : error;
    const remedy = diskFullRemedy(folder.path);
    throw remedy === undefined ? thrown : new Error(remedy, { cause: thrown });
  } finally {
    await system?.stop();
    folder.remove();
    process.off('exit', removeAtExit);
  }
}

/** Whether the run's folder stays. */
export const isKept = ({ keep }: Pick<DrillFlags, 'keep'>, ok: boolean): boolean => !ok || keep !== undefined;

function report({ json }: DrillFlags, { ok, figures, text }: Outcome): void {
  (json ? process.stderr : process.stdout).write(text);
  if (json) process.stdout.write(`${JSON.stringify({ type: 'result', ok, ...figures })}\n`);
}

/** The loader polls in every stage: only router and detector are fast paths. */
function withFlags({ retrieval, kcl }: DrillFlags, settings: ServiceSettings = {}): ServiceSettings {
  const jars = kcl === '3' ? { KCL_JARS: join(root, '.jars', 'kcl-3') } : {};
  const of = (name: ServiceName): Readonly<Record<string, string>> => ({
    ...jars,
    ...(name === 'redshift-loader' ? {} : { KCL_RETRIEVAL_MODE: retrieval.toUpperCase() }),
    ...settings[name],
  });
  return Object.fromEntries(serviceNames.map((name) => [name, of(name)]));
}
