import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { decodeBookingEvent, encodeBookingEvent } from '../../../services/lib/events/booking-event-codec.ts';
import { position, trimHorizon } from '../../../services/lib/kcl/position.ts';
import type { Checkpointer, StreamRecord } from '../../../services/lib/kcl/processor.ts';
import { openObjectStore } from '../../../services/lib/objects/open.ts';
import { awsConfig, dynamoClient } from '../../../services/lib/process/aws.ts';
import { loadConfig } from '../../../services/lib/process/config.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import { DynamoLoadRegistry } from '../../../services/redshift-loader/registry/registry.ts';
import { redshiftLoader } from '../../../services/redshift-loader/service.ts';
import { ShardLoader } from '../../../services/redshift-loader/shard/shard-loader.ts';
import { Traffic } from '../engine/traffic.ts';
import type { Staged, StagingJob } from './staging.ts';
import { Stopwatch, sumOf } from './steps.ts';
import { timedRegistry, timedStore } from './timed.ts';

// The shards of a loader, one after the other, from records to registered files. Flush limits as in a stage, but for the age: nobody waits here.
const job = JSON.parse(process.argv[2] ?? '') as StagingJob;
const recordsPerBatch = redshiftLoader.consumes?.maxRecords ?? 1_000;
const application = redshiftLoader.name;
const noAge = 3_600_000;

const aws = loadConfig(awsConfig, job.environment);
const watch = new Stopwatch();
const registry = timedRegistry(new DynamoLoadRegistry(dynamoClient(aws), 'load-registry', application, job.streamId), watch);
const objects = timedStore(openObjectStore(job.objectsUrl, aws), watch);
const log = pino({ level: 'silent' });
const metrics = new Metrics();
const config = loadConfig(redshiftLoader.config, {
  ...job.environment,
  OBJECTS_URL: job.objectsUrl,
  WAREHOUSE_URL: 'postgres://127.0.0.1/x',
});

const shards = Array.from({ length: job.shards }, (_, i) => ({
  shardId: `shardId-00000000000${i}`,
  batches: batchesOf(new Traffic(job.seed + i), i),
}));

function batchesOf(traffic: Traffic, shard: number): StreamRecord[][] {
  const records = traffic.chunk(job.eventsPerShard).map((event, n): StreamRecord => {
    const sequenceNumber = String(1_000_000 * (shard + 1) + n);
    return {
      data: encodeBookingEvent(event),
      partitionKey: event.userId,
      sequenceNumber,
      subSequenceNumber: 0,
      position: position(sequenceNumber),
      approximateArrivalTimestamp: event.occurredAt,
    };
  });
  return Array.from({ length: Math.ceil(records.length / recordsPerBatch) }, (_, n) =>
    records.slice(n * recordsPerBatch, (n + 1) * recordsPerBatch),
  );
}

const checkpointer: Checkpointer = { all: async () => ({ ok: true }), at: async () => ({ ok: true }), last: trimHorizon };

async function stage(shardId: string, batches: readonly (readonly StreamRecord[])[]): Promise<void> {
  const loader = new ShardLoader({
    registry,
    objects,
    deadLetters: { put: () => Promise.reject(new Error('a record of the bench is not valid')) },
    limits: { rows: config.FLUSH_ROWS, bytes: config.FLUSH_BYTES, ageMs: noAge },
    decode: (...args) => watch.sync('decode', () => decodeBookingEvent(...args)),
    readGap: async function* () {},
    log,
    metrics,
    now: Date.now,
    newId: randomUUID,
    random: Math.random,
    pause: async () => undefined,
  });
  const context = { shardId, shard: undefined, streamName: 'bench', streamId: job.streamId, application, workerId: 'bench' };
  await loader.initialize({ ...context, failoverTimeMs: noAge, log, metrics }, trimHorizon);
  for (const records of batches) await loader.processRecords({ records }, checkpointer);
  await loader.shardEnded(checkpointer);
}

process.once('message', () => {
  void (async () => {
    const from = performance.now();
    for (const { shardId, batches } of shards) await stage(shardId, batches);
    const wallMs = performance.now() - from;
    // Nothing else is done here but to make CSV and to compress it.
    process.send?.({ times: { ...watch.ms, csv: wallMs - sumOf(watch.ms) }, wallMs } satisfies Staged);
  })();
});
process.send?.('ready');
