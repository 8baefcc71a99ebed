import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { dynamoClient, kinesisClient } from '../process/aws.ts';
import type { ConfigShape } from '../process/config.ts';
import { ensureError } from '../process/errors.ts';
import { FigureExport } from '../process/figure-export.ts';
import { startHealthServer } from '../process/health.ts';
import { createLogger, type Logger } from '../process/log.ts';
import { Metrics } from '../process/metrics.ts';
import { startProcessGroup } from '../process/process-group.ts';
import { onStopSignals } from '../process/stop-signals.ts';
import { childEnvironmentKeys } from './child-link.ts';
import { ChildLinkServer } from './child-link-server.ts';
import type { Consumer } from './consumer.ts';
import { parseDaemonLine } from './daemon-lines.ts';
import { daemonProperties } from './daemon-properties.ts';
import { javaArguments, javaEnvironment, logbackConfiguration, noNodeVersionWarning } from './java-command.ts';
import { type LaunchSettings, launchSettings } from './launch-settings.ts';
import { Launcher, type Prepared, type StopOutcome } from './launcher.ts';
import { awaitTable, prepareLeaseTable } from './lease-table.ts';
import { linkPathOf, makeRunFolder } from './run-folder.ts';
import { listShards } from './shards.ts';
import { awaitStream } from './stream.ts';
import { resolveWorkerId } from './worker-id.ts';

/** How long streams and tables may take to become active at a start. */
const resourceDeadlineMs = 60_000;

const writeLine = (line: string): void => void process.stdout.write(line.endsWith('\n') ? line : `${line}\n`);

/**
 * The container's first process: prepares, keeps the daemon running, and alone writes stdout, one JSON object a line.
 * Exit code 0 after a clean stop; 1 when the start failed or the stop had to be forced. (The daemon's own 143 stays inside.)
 */
export async function launch<S extends ConfigShape>(consumer: Consumer<S>): Promise<void> {
  const { name } = consumer.definition;
  process.env[noNodeVersionWarning] = 'true';
  process.stdout.on('error', () => {}); // a log driver that went away must not end the service
  let log = createLogger(name, 'info', writeLine);
  try {
    const settings = launchSettings(consumer.definition, process.env, {
      script: process.argv[1] ?? '',
      execArgv: process.execArgv,
      version: process.versions.node,
    });
    log = createLogger(name, settings.kcl.LOG_LEVEL, writeLine);
    const outcome = await serve(consumer, settings, log);
    log.info({ event: 'launcher.stopped', outcome }, 'stopped');
    process.exit(outcome === 'clean' ? 0 : 1);
  } catch (thrown) {
    const error = ensureError(thrown);
    log.error({ event: 'launcher.failed', problems: error.message.split('\n'), err: error }, `${name} cannot run: ${error.message}`);
    process.exit(1);
  }
}

async function serve<S extends ConfigShape>(consumer: Consumer<S>, settings: LaunchSettings<S>, log: Logger): Promise<StopOutcome> {
  const { kcl } = settings;
  const metrics = new Metrics();
  const figures = new FigureExport(consumer.definition.name, metrics);
  const runFolder = await makeRunFolder();
  const link = await ChildLinkServer.listen(linkPathOf(runFolder), {
    onLog: writeLine,
    onMetrics: (child, snapshot) => figures.report(child.id, snapshot),
    onJoined: (child) => log.debug({ event: 'child.joined', child: child.pid }, 'a child has started'),
    onLeft(child) {
      figures.end(child.id);
      launcher.childLeft(child);
    },
  });
  const launcher = new Launcher({ log, metrics, link, stopDeadlineMs: kcl.STOP_DEADLINE_MS });
  const health = await startHealthServer({
    port: kcl.HEALTH_PORT,
    health: () => launcher.health(),
    metrics: () => figures.prometheus(),
  });
  log.info({ event: 'health.listening', port: health.port }, 'health and metrics are served on loopback');
  const emf = kcl.LOCAL_MODE ? undefined : figures.startEmf((object) => writeLine(JSON.stringify(object)));

  onStopSignals({
    graceful(signal) {
      log.info({ event: 'launcher.stopping', signal }, 'stopping in order; a second signal stops at once');
      launcher.stop();
    },
    force(signal) {
      log.warn({ event: 'launcher.forced', signal }, 'stopping at once');
      launcher.force();
    },
  });
  let broken: unknown;
  const onDefect = (thrown: unknown): void => {
    broken ??= thrown;
    log.error({ event: 'launcher.defect', err: ensureError(thrown) }, 'an error nobody handled: stopping');
    launcher.stop();
  };
  process.on('uncaughtException', onDefect); // rejections that nobody handles come here too

  const outcome = await launcher.run((signal) => prepare(consumer, settings, { log, metrics, runFolder, signal }));
  emf?.stop();
  await Promise.all([link.close(), health.close()]);
  if (broken !== undefined) throw broken;
  return outcome;
}

/** Streams, tables and leases first, then the files the daemon reads. */
async function prepare<S extends ConfigShape>(
  consumer: Consumer<S>,
  settings: LaunchSettings<S>,
  run: {
    readonly log: Logger;
    readonly metrics: Metrics;
    readonly runFolder: string;
    readonly signal: AbortSignal;
  },
): Promise<Prepared> {
  const { kcl, config, application, streamName } = settings;
  const { log, metrics, signal } = run;
  const kinesis = kinesisClient(kcl);
  const dynamo = dynamoClient(kcl);
  const workerId = await resolveWorkerId({ configured: kcl.WORKER_ID, local: kcl.LOCAL_MODE, env: settings.env }, log);
  const streamId = await awaitStream(kinesis, streamName, resourceDeadlineMs, signal);
  for (const table of consumer.definition.tables) await awaitTable(dynamo, String(config[table.configKey]), resourceDeadlineMs, signal);
  const leases = await prepareLeaseTable(dynamo, {
    tableName: application,
    kclLine: settings.kclLine,
    shards: () => listShards(kinesis, streamName),
    deadlineMs: resourceDeadlineMs,
    signal,
  });
  kinesis.destroy();
  dynamo.destroy();
  log.info(
    { event: 'launcher.prepared', streamId, application, workerId, kclLine: settings.kclLine, leasesWritten: leases },
    'stream and tables are ready',
  );

  const propertiesFile = path.join(run.runFolder, 'daemon.properties');
  const logbackFile = path.join(run.runFolder, 'logback.xml');
  writeFileSync(propertiesFile, daemonProperties(settings.daemonOptions(workerId)));
  writeFileSync(logbackFile, logbackConfiguration(kcl.LOG_LEVEL));
  const environment = javaEnvironment(settings.env, {
    local: kcl.LOCAL_MODE,
    region: kcl.AWS_REGION,
    nodeFolder: path.dirname(process.execPath),
  });
  return {
    startDaemon: (generation) =>
      startProcessGroup({
        command: settings.java,
        args: javaArguments({ jars: path.resolve(kcl.KCL_JARS), heapMiB: kcl.KCL_HEAP_MIB, propertiesFile, logbackFile }),
        cwd: settings.folder,
        env: {
          ...environment,
          [childEnvironmentKeys.linkPath]: linkPathOf(run.runFolder),
          [childEnvironmentKeys.generation]: String(generation),
          [childEnvironmentKeys.streamId]: streamId,
          [childEnvironmentKeys.workerId]: workerId,
        },
        onLine: (line) => logDaemonLine(log, line),
      }),
    startBackground: () => consumer.startBackground?.({ config, log, metrics, workerId, streamId, application }),
  };
}

function logDaemonLine(log: Logger, raw: string): void {
  const line = parseDaemonLine(raw);
  if (line === undefined) return;
  const { level, message, ...rest } = line;
  log[level]({ event: 'daemon.line', ...rest }, message);
}
