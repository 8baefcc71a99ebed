import { z } from 'zod';
import { awsConfig } from '../process/aws.ts';
import { integerOr, text, textOr } from '../process/config.ts';
import { logLevels } from '../process/log.ts';

/** KCL considers a lease lost after one failover time; after so many, whoever wanted it has it. */
export const failoversUntilSettled = 2;

/** Keys of every KCL consumer; a service's config spreads these and adds its own. */
export const kclConsumerConfig = {
  ...awsConfig,
  APPLICATION: text.optional().describe("KCL application name = lease table; default: the service's own"),
  WORKER_ID: text
    .optional()
    .describe('stable id of this task, so that a restarted daemon takes its own leases back at once; default: ECS task id, else host name'),
  KCL_JARS: textOr('/opt/kcl/jars').describe('folder of the KCL jars; it alone chooses between KCL 2.x and 3.x'),
  KCL_RETRIEVAL_MODE: z
    .enum(['POLLING', 'FANOUT'], { error: 'expected POLLING or FANOUT' })
    .default('POLLING')
    .describe('POLLING shares 2 MB/s and 5 reads/s of a shard with the other consumers; FANOUT (paid) has its own'),
  KCL_IDLE_MS: integerOr(0, 0, 60_000).describe("pause between reads of a shard; 0: the service's own"),
  KCL_FAILOVER_MS: integerOr(10_000, 1_000, 300_000).describe('a lease not renewed for this long may be taken'),
  KCL_SHARD_SYNC_MS: integerOr(60_000, 500, 600_000).describe('how often new shards are looked for (ms)'),
  KCL_PARENT_POLL_MS: integerOr(10_000, 100, 60_000).describe('how often a child shard asks whether its parents are done (ms)'),
  KCL_TIMEOUT_S: integerOr(300, 5, 3_600).describe(
    'a child that says nothing to the daemon for this long (s) while it owes an answer is taken for hung: the daemon and all children of the task are ended and started again; more than twice KCL_FAILOVER_MS',
  ),
  KCL_METRICS_LEVEL: z
    .enum(['NONE', 'SUMMARY', 'DETAILED'], { error: 'expected NONE, SUMMARY or DETAILED' })
    .default('SUMMARY')
    .describe('what KCL sends to CloudWatch'),
  KCL_HEAP_MIB: integerOr(256, 64, 8_192).describe('heap of the JVM'),
  HEALTH_PORT: integerOr(0, 0, 65_535).describe('loopback port of /healthz and /metrics; 0: any free one, see the log'),
  STOP_DEADLINE_MS: integerOr(50_000, 1_000, 115_000).describe('SIGTERM to exit; keep it under the stopTimeout of ECS (at most 120 s)'),
  LOG_LEVEL: z
    .enum(logLevels, { error: `expected one of ${logLevels.join(', ')}` })
    .default('info')
    .describe('least severe line that is written'),
} as const;

/**
 * On one machine nobody shares a stage's limits, and a drill should see a takeover or a reshard within seconds:
 * these stand in for the defaults above when LOCAL_MODE is true and the key is not set.
 */
const localDefaults = {
  KCL_FAILOVER_MS: '3000',
  KCL_SHARD_SYNC_MS: '1000',
  KCL_PARENT_POLL_MS: '500',
  KCL_METRICS_LEVEL: 'NONE',
} as const satisfies Partial<Record<keyof typeof kclConsumerConfig, string>>;

export function withLocalDefaults(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  return env['LOCAL_MODE'] === 'true' ? { ...localDefaults, ...env } : env;
}
