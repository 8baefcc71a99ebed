import kcl from 'aws-kcl';
import { assertLocalMode, kinesisClient } from '../process/aws.ts';
import { type ConfigShape, loadConfig } from '../process/config.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import { createLogger } from '../process/log.ts';
import { Metrics } from '../process/metrics.ts';
import { ShardCheckpointer } from './checkpointer.ts';
import { ChildLink, childEnvironmentKeys, type DoneReason } from './child-link.ts';
import { guardOutput, logStream } from './child-output.ts';
import { kclConsumerConfig, withLocalDefaults } from './config.ts';
import type { Consumer, ConsumerEnvironment } from './consumer.ts';
import { consumptionOf } from './consumption.ts';
import { ShardSession } from './shard-session.ts';
import { findShard } from './shards.ts';

const metricsIntervalMs = 1_000;
/** The daemon closes our input as soon as it has read the last answer. */
const inputCloseDeadlineMs = 2_000;

/**
 * One shard's process. It ends in one of four ways, always by process.exit, since the daemon waits for our end without limit:
 * the lease was lost or the shard ended (answered, 0); the daemon closed the input (0); the processor rejected (1, unanswered);
 * the launcher is gone (1).
 */
export async function runChild<S extends ConfigShape>(consumer: Consumer<S>, given: NodeJS.ProcessEnv = process.env): Promise<void> {
  const env = withLocalDefaults(given);
  // A terminal's Ctrl-C reaches the whole process group: the daemon alone tells us to stop.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

  const { definition } = consumer;
  const config = loadConfig(definition.config, env);
  const kclConfig = loadConfig(kclConsumerConfig, env);
  assertLocalMode(kclConfig);
  const generation = Number(required(env, childEnvironmentKeys.generation));
  const path = required(env, childEnvironmentKeys.linkPath);
  const link = await ChildLink.connect(path, { pid: process.pid, generation }, () => process.exit(1));
  const log = createLogger(definition.name, kclConfig.LOG_LEVEL, (line) => link.log(line));
  const output = guardOutput(log);
  const metrics = new Metrics();

  let ending = false;
  const report = (): void => {
    metrics.count('log_lines_dropped', link.takeDroppedLines());
    link.metrics(metrics.drain());
  };
  const timer = setInterval(report, metricsIntervalMs);
  const end = async (reason: DoneReason): Promise<void> => {
    if (ending) return;
    ending = true;
    clearInterval(timer);
    report();
    await link.done(reason);
    process.exit(0);
  };
  const fail = async (event: string, thrown: unknown): Promise<void> => {
    if (ending) return;
    ending = true;
    log.error({ event, err: ensureError(thrown) }, 'this shard cannot go on: the daemon is started again');
    clearInterval(timer);
    report();
    await link.flush();
    process.exit(1);
  };
  // Rejections that nobody handles come here too.
  process.on('uncaughtException', (thrown) => void fail('child.uncaught', thrown));

  const { application, streamName } = consumptionOf(definition, config, kclConfig.APPLICATION);
  const shared = {
    streamId: required(env, childEnvironmentKeys.streamId),
    workerId: required(env, childEnvironmentKeys.workerId),
    application,
  };
  const environment: ConsumerEnvironment<S> = { config, log, metrics, ...shared };
  const kinesis = kinesisClient(kclConfig);
  let finished: DoneReason | undefined;
  const session = new ShardSession({
    processor: consumer.createProcessor(environment),
    checkpointer: new ShardCheckpointer(log, metrics),
    metrics,
    context: (shardId, shard) => ({ shardId, shard, streamName, failoverTimeMs: kclConfig.KCL_FAILOVER_MS, log, metrics, ...shared }),
    findShard: (shardId) => findShard(kinesis, streamName, shardId),
    events: {
      onShard(shardId) {
        log.setBindings({ shard: shardId });
        link.shard(shardId);
      },
      onDone(reason) {
        finished = reason;
        setTimeout(() => void end(reason), inputCloseDeadlineMs);
      },
      onFailure: (action, thrown) => void fail(`child.${action}.failed`, thrown),
    },
  });
  const daemon = kcl(session, process.stdin, output, logStream(log));
  daemon._kclManager._reportError = (message) => log.error({ event: 'protocol' }, message);
  daemon.run();
  for (const event of ['end', 'close']) process.stdin.once(event, () => void end(finished ?? 'stdinClosed'));
}

function required(env: Readonly<Record<string, string | undefined>>, key: string): string {
  const value = env[key];
  if (value === undefined) throw new PlatformError('CONFIG_INVALID', `${key} is not set: \`child\` is started by the daemon, not by hand`);
  return value;
}
