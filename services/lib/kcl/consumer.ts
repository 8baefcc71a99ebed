import type { Config, ConfigShape } from '../process/config.ts';
import type { Logger } from '../process/log.ts';
import type { Metrics } from '../process/metrics.ts';
import type { ServiceDefinition } from '../process/service.ts';
import { runChild } from './child.ts';
import { launch } from './launch.ts';
import type { RecordProcessor } from './processor.ts';

/** What a consumer's own code is given: parsed configuration, a log and metrics that reach the container's stdout and /metrics. */
export interface ConsumerEnvironment<S extends ConfigShape> {
  readonly config: Config<S>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly workerId: string;
  /** `<name>@<creation epoch s>` of the consumed stream. */
  readonly streamId: string;
  readonly application: string;
}

/** Work that runs once per task, beside the daemon (the loader's committer). */
export interface Background {
  /** Resolves when nothing of it is under way any more. */
  stop(): Promise<void>;
}

export interface Consumer<S extends ConfigShape> {
  readonly definition: ServiceDefinition<S>;
  /** Called in each child, once per shard. */
  createProcessor(environment: ConsumerEnvironment<S>): RecordProcessor;
  /** Called in the launcher, once per task, after the tables are known to exist. */
  startBackground?(environment: ConsumerEnvironment<S>): Background;
}

/**
 * A consumer's main: `node main.js` is the launcher (PID 1 of the container), `node main.js child` one shard's process.
 */
export async function runConsumer<S extends ConfigShape>(
  consumer: Consumer<S>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  if (argv[0] === 'child') await runChild(consumer);
  else await launch(consumer);
}
