import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import pino from 'pino';
import { trimHorizon } from '../../../services/lib/kcl/position.ts';
import { openObjectStore } from '../../../services/lib/objects/open.ts';
import { awsConfig, dynamoClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { postgresCopier } from '../../../services/lib/warehouse/copy.ts';
import type { Database } from '../../../services/lib/warehouse/database.ts';
import { CommitRounds } from '../../../services/redshift-loader/commit/commit-round.ts';
import { DynamoLoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { redshiftLoader } from '../../../services/redshift-loader/service.ts';
import { packObject } from '../../../services/redshift-loader/stage/stage-file.ts';
import type { Place } from './place.ts';
import { prepareStaging, type Staged } from './staging.ts';
import { type StepTimes, Stopwatch } from './steps.ts';
import { timedDatabase, timedRegistry, timedStore } from './timed.ts';

const application = redshiftLoader.name;
const lookMs = 20;
const dayMs = 86_400_000;
const decompress = promisify(gunzip);

export interface Load {
  readonly events: number;
  /** From the first record to the last commit, both processes at work. */
  readonly wallMs: number;
  readonly staging: Staged;
  readonly committing: StepTimes;
  readonly commits: number;
  /** What was loaded. */
  readonly csvs: readonly Buffer[];
}

/** Records of several shards to committed rows: a process of shards beside the committer, as they run, one commit after the other. */
export async function loadOnce(
  { stack, program, warehouse }: { readonly stack: Place['stack']; readonly program: string; readonly warehouse: Database },
  { seed, shards, eventsPerShard }: { readonly seed: number; readonly shards: number; readonly eventsPerShard: number },
  signal: AbortSignal,
): Promise<Load> {
  const streamId = `bench@${seed}`;
  const environment = stack.environment();
  const aws = loadConfig(awsConfig, environment);
  const dynamo = dynamoClient(aws);
  const registry = new DynamoLoadRegistry(dynamo, 'load-registry', application, streamId);
  const store = openObjectStore(stack.objectsUrl, aws);
  const watch = new Stopwatch();
  const objects = timedStore(store, watch);
  const metrics = new Metrics();
  const rounds = new CommitRounds({
    application,
    streamId,
    registry: timedRegistry(registry, watch),
    objects,
    database: timedDatabase(warehouse, watch),
    copier: postgresCopier(objects),
    limits: { maxFiles: 200, maxBytes: 1_073_741_824 },
    retentionMs: dayMs,
    orphanAgeMs: dayMs,
    inLake: async () => false,
    log: pino({ level: 'silent' }),
    metrics,
    now: Date.now,
    newId: randomUUID,
  });
  try {
    const { objectsUrl } = stack;
    const prepared = await prepareStaging(program, { seed, shards, eventsPerShard, objectsUrl, environment, streamId }, signal);
    const from = performance.now();
    let staged: Staged | undefined;
    const staging = prepared.run().then((result) => {
      staged = result;
    });
    let commits = 0;
    for (;;) {
      signal.throwIfAborted();
      const all = staged !== undefined;
      const outcome = (await rounds.hasWork()) ? await rounds.run() : 'idle';
      if (typeof outcome === 'object') commits++;
      else if (outcome === 'blocked') throw new Error('files wait that cannot be loaded');
      else if (outcome === 'idle' && all) break;
      else await sleep(lookMs);
    }
    const wallMs = performance.now() - from;
    await staging;
    if (staged === undefined) throw new Error('the shards did not tell what they took');
    const csvs: Buffer[] = [];
    for (const shardId of (await registry.heads()).keys()) {
      for (const { object } of await registry.files(shardId, trimHorizon, 10_000)) {
        if (object !== undefined) csvs.push(await decompress(await store.read(object.key)));
      }
    }
    return { events: shards * eventsPerShard, wallMs, staging: await gzipApart(staged, csvs), committing: watch.ms, commits, csvs };
  } finally {
    dynamo.destroy();
  }
}

/** CSV and compression are one stretch of time to whoever looks from outside: the compression is done once more, alone. */
async function gzipApart({ times, wallMs }: Staged, csvs: readonly Buffer[]): Promise<Staged> {
  const from = performance.now();
  for (const csv of csvs) await packObject('bench', csv);
  const gzip = performance.now() - from;
  return { times: { ...times, gzip, csv: Math.max(0, (times.csv ?? 0) - gzip) }, wallMs };
}
