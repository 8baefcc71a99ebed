import type { KclLine } from './kcl-line.ts';

/** What the daemon is told. Every limit and pause is written out, since several of its defaults lose data or money. */
export interface DaemonOptions {
  readonly kclLine: KclLine;
  readonly application: string;
  readonly streamName: string;
  readonly workerId: string;
  readonly region: string;
  /** Words of the child's command, looked up through PATH and resolved in the daemon's working folder. */
  readonly childCommand: readonly string[];
  readonly nodeMajor: string;
  readonly endpoints?: { readonly kinesis: string; readonly dynamo: string };
  readonly retrievalMode: 'POLLING' | 'FANOUT';
  /** POLLING: pause between two reads of a shard. KCL 3.x raises anything under 200 ms to that. */
  readonly idleTimeBetweenReadsMs: number;
  readonly maxRecords: number;
  readonly failoverTimeMs: number;
  readonly shardSyncIntervalMs: number;
  readonly parentShardPollIntervalMs: number;
  /** A child that owes an answer and writes nothing for this long ends the JVM, without its shutdown hooks. */
  readonly childTimeoutS: number;
  readonly metricsLevel: 'NONE' | 'SUMMARY' | 'DETAILED';
  readonly shutdownGraceMs: number;
}

/** A shard answers 5 GetRecords/s to all its readers together (Kinesis quotas). */
export const minIdleTimeBetweenReadsMs = 200;
/** Most records one GetRecords answers (Kinesis API reference, Limit). */
const maxRecordsPerRead = 10_000;

/** Longest name of a fan-out consumer (Kinesis API reference, RegisterStreamConsumer). */
const maxConsumerName = 128;

/** 3.x: the leader looks for free leases this many times in a failover time, but not more often than every second. */
const leaseLooksPerFailover = 3;
const minLeaseAssignmentIntervalMs = 1_000;
/** 3.x: how rarely it moves leases to even out the load, as at its own defaults. A move costs a consumer with state a reload. */
const failoversPerRebalance = 6;
/** 3.x measures every second, and reports less often than that. */
const minWorkerReportMs = 2_000;

/** Every problem of the options, in words; empty when the daemon can be started with them. */
export function daemonOptionProblems(options: DaemonOptions): string[] {
  const problems: string[] = [];
  const refuse = (bad: boolean, problem: string): void => {
    if (bad) problems.push(problem);
  };
  // The daemon splits executableName on spaces and knows no quotes.
  for (const word of options.childCommand) {
    refuse(!/^[^\s]+$/.test(word), `the child's command has the word ${JSON.stringify(word)}: the daemon cannot pass blanks`);
  }
  refuse(options.childCommand.length === 0, "the child's command is empty");
  refuse(
    options.idleTimeBetweenReadsMs < minIdleTimeBetweenReadsMs,
    `the pause between reads is ${options.idleTimeBetweenReadsMs} ms: expected at least ${minIdleTimeBetweenReadsMs} ms`,
  );
  refuse(
    options.maxRecords < 1 || options.maxRecords > maxRecordsPerRead,
    `records per read is ${options.maxRecords}: expected 1 to ${maxRecordsPerRead}`,
  );
  refuse(
    options.retrievalMode === 'FANOUT' && options.application.length > maxConsumerName,
    `the application's name has ${options.application.length} characters: under FANOUT it is a consumer's name too, at most ${maxConsumerName}`,
  );
  // The daemon drops a setting that equals its type's zero without a word.
  for (const [name, value] of Object.entries(options)) {
    refuse(typeof value === 'number' && !(Number.isInteger(value) && value > 0), `${name} is ${value}: expected a whole number above 0`);
  }
  return problems;
}

/**
 * The daemon's .properties text.
 *
 * - retrievalMode is always written: the default registers a paid fan-out consumer.
 * - FANOUT: KCL registers a consumer under the application's name where there is none, and never deregisters it (docs/adr/0011).
 * - shutdownGraceMillis: its default 0 makes the daemon exit before shutdownRequested is delivered.
 * - empty lists are delivered, so that an idle shard ticks.
 * - timeoutInSeconds: its default is none, and a child that hangs would hold its shard for ever. Each message of the child, a checkpoint
 *   too, starts the time anew (KCL: MultiLangProtocol.waitForStatusMessage).
 * - maxActiveThreads stays out: a fixed pool deadlocks below about three threads a shard.
 */
export function daemonProperties(options: DaemonOptions): string {
  const settings: [string, string | number][] = [
    ['executableName', options.childCommand.join(' ')],
    ['processingLanguage', `nodejs/${options.nodeMajor}`],
    ['applicationName', options.application],
    ['streamName', options.streamName],
    ['workerId', options.workerId],
    ['regionName', options.region],
    ['AwsCredentialsProvider', 'DefaultCredentialsProvider'],
    ['initialPositionInStream', 'TRIM_HORIZON'],
    ['callProcessRecordsEvenForEmptyRecordList', 'true'],
    ['retrievalMode', options.retrievalMode],
    ['failoverTimeMillis', options.failoverTimeMs],
    ['shardSyncIntervalMillis', options.shardSyncIntervalMs],
    ['parentShardPollIntervalMillis', options.parentShardPollIntervalMs],
    // There is no setting for CloudWatch's endpoint, so a local daemon must not have metrics at all.
    ['metricsLevel', options.endpoints === undefined ? options.metricsLevel : 'NONE'],
    ['shutdownGraceMillis', options.shutdownGraceMs],
    ['timeoutInSeconds', options.childTimeoutS],
    ...(options.kclLine === 3 ? settingsOf3(options) : []),
  ];
  if (options.retrievalMode === 'POLLING') {
    settings.push(['idleTimeBetweenReadsInMillis', options.idleTimeBetweenReadsMs], ['maxRecords', options.maxRecords]);
  }
  if (options.endpoints !== undefined) {
    settings.push(['kinesisEndpoint', options.endpoints.kinesis], ['dynamoDBEndpoint', options.endpoints.dynamo]);
  }
  return settings.map(([name, value]) => `${name} = ${escapeValue(String(value))}\n`).join('');
}

/** What 2.x does not know. A lease is handed over as at a stop: the child is asked, with the same time for its answer. */
function settingsOf3({ failoverTimeMs, shutdownGraceMs, endpoints }: DaemonOptions): [string, string | number][] {
  const assignmentIntervalMs = Math.max(minLeaseAssignmentIntervalMs, Math.round(failoverTimeMs / leaseLooksPerFailover));
  return [
    ['leaseAssignmentIntervalMillis', assignmentIntervalMs],
    // Counted in assignments.
    ['varianceBalancingFrequency', Math.ceil((failoversPerRebalance * failoverTimeMs) / assignmentIntervalMs)],
    // A worker is taken for dead, and gets no leases, two reports after its last one: at the default of 30 s a takeover takes a minute.
    ['workerMetricsReporterFreqInMillis', Math.max(minWorkerReportMs, failoverTimeMs)],
    ['isGracefulLeaseHandoffEnabled', 'true'],
    ['gracefulLeaseHandoffTimeoutMillis', shutdownGraceMs],
    // To find out what it runs on it asks EC2's metadata address, whatever AWS_EC2_METADATA_DISABLED says: a local daemon must not.
    ...(endpoints === undefined ? [] : [['disableWorkerMetrics', 'true'] as [string, string]]),
  ];
}

/** java.util.Properties reads ISO-8859-1, a backslash escapes, and a leading blank belongs to the separator. */
function escapeValue(value: string): string {
  return value
    .replace(/\\/g, '\\\\')
    .replace(/[^\x21-\x7e ]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .replace(/^ /, '\\ ');
}
