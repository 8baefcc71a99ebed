import { accessSync, constants, realpathSync } from 'node:fs';
import path from 'node:path';
import { assertLocalMode } from '../process/aws.ts';
import { type Config, type ConfigShape, loadConfig } from '../process/config.ts';
import { PlatformError } from '../process/errors.ts';
import type { ServiceDefinition } from '../process/service.ts';
import { failoversUntilSettled, kclConsumerConfig, withLocalDefaults } from './config.ts';
import { consumptionOf } from './consumption.ts';
import { type DaemonOptions, daemonOptionProblems } from './daemon-properties.ts';
import { javaExecutable } from './java-command.ts';
import { type KclLine, kclLineOf } from './kcl-line.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LaunchSettings<S extends ConfigShape> {
  readonly config: Config<S>;
  readonly kcl: Config<typeof kclConsumerConfig>;
  readonly env: Environment;
  readonly application: string;
  readonly streamName: string;
  readonly java: string;
  readonly kclLine: KclLine;
  /** Folder of the service's main script: the daemon's working folder, so that the child's command has no path in it. */
  readonly folder: string;
  daemonOptions(workerId: string): DaemonOptions;
}

/** What Node was started with, in words: the child is started alike. */
export interface NodeProcess {
  readonly script: string;
  readonly execArgv: readonly string[];
  readonly version: string;
}

/** Share of the stop deadline that the daemon may spend on its children; it is killed a little later. */
const graceShareOfDeadline = 0.8;

/** Reads and checks everything before anything is started. Throws one CONFIG_INVALID that lists every problem. */
export function launchSettings<S extends ConfigShape>(
  definition: ServiceDefinition<S>,
  given: Environment,
  node: NodeProcess,
): LaunchSettings<S> {
  const env = withLocalDefaults(given);
  const config = loadConfig(definition.config, env);
  const kcl = loadConfig(kclConsumerConfig, env);
  const problems: string[] = [];
  try {
    assertLocalMode(kcl);
  } catch (error) {
    problems.push(...(error as Error).message.split('\n'));
  }
  const java = findExecutable(javaExecutable(env), env);
  if (java === undefined) problems.push(`there is no ${javaExecutable(env)}: install a Java runtime (17 or newer), or set JAVA_HOME`);
  const kclLine = kclLineOf(kcl.KCL_JARS);
  if (kclLine === undefined) {
    const wanted = 'expected a folder with the jars of the KCL MultiLangDaemon and of its client, both 2.x or both 3.x';
    problems.push(`KCL_JARS is ${JSON.stringify(kcl.KCL_JARS)}: ${wanted}`);
  }

  // A child waits that long before it answers the end of a shard whose lease may have been taken (StatefulShard): it does not hang.
  const settledAfterS = (failoversUntilSettled * kcl.KCL_FAILOVER_MS) / 1_000;
  if (kcl.KCL_TIMEOUT_S <= settledAfterS) {
    const wanted = `expected more than ${settledAfterS}, ${failoversUntilSettled} times KCL_FAILOVER_MS`;
    problems.push(`KCL_TIMEOUT_S is ${kcl.KCL_TIMEOUT_S}: ${wanted}, for which a sound child may be silent`);
  }

  const script = realpathSync(node.script);
  const { application, streamName, idleTimeBetweenReadsMs, maxRecords } = consumptionOf(definition, config, kcl.APPLICATION);
  const daemonOptions = (workerId: string): DaemonOptions => ({
    kclLine: kclLine ?? 2,
    application,
    streamName,
    workerId,
    region: kcl.AWS_REGION,
    childCommand: ['node', ...node.execArgv, path.basename(script), 'child'],
    nodeMajor: node.version.split('.')[0] ?? '',
    retrievalMode: kcl.KCL_RETRIEVAL_MODE,
    idleTimeBetweenReadsMs: kcl.KCL_IDLE_MS === 0 ? idleTimeBetweenReadsMs : kcl.KCL_IDLE_MS,
    maxRecords,
    failoverTimeMs: kcl.KCL_FAILOVER_MS,
    shardSyncIntervalMs: kcl.KCL_SHARD_SYNC_MS,
    parentShardPollIntervalMs: kcl.KCL_PARENT_POLL_MS,
    childTimeoutS: kcl.KCL_TIMEOUT_S,
    metricsLevel: kcl.KCL_METRICS_LEVEL,
    shutdownGraceMs: Math.round(kcl.STOP_DEADLINE_MS * graceShareOfDeadline),
    ...(kcl.KINESIS_ENDPOINT !== undefined && kcl.DYNAMODB_ENDPOINT !== undefined
      ? { endpoints: { kinesis: kcl.KINESIS_ENDPOINT, dynamo: kcl.DYNAMODB_ENDPOINT } }
      : {}),
  });
  problems.push(...daemonOptionProblems(daemonOptions('any')));
  if (problems.length > 0 || java === undefined || kclLine === undefined) {
    throw new PlatformError(
      'CONFIG_INVALID',
      `configuration is invalid, ${problems.length} problem(s):\n${problems.map((p) => `  ${p}`).join('\n')}`,
    );
  }
  return { config, kcl, env, application, streamName, java, kclLine, folder: path.dirname(script), daemonOptions };
}

function findExecutable(name: string, env: Environment): string | undefined {
  const candidates = name.includes('/') ? [name] : (env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, name));
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
