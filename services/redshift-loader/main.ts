import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDeadLetters } from '../lib/deadletter/dead-letters.ts';
import { decodeBookingEvent } from '../lib/events/booking-event-codec.ts';
import { runConsumer } from '../lib/kcl/consumer.ts';
import { isInLake } from '../lib/lake/layout.ts';
import { openObjectStore } from '../lib/objects/open.ts';
import { dynamoClient, kinesisClient } from '../lib/process/aws.ts';
import { AlertLoad } from './alerts/alert-load.ts';
import { alertsOfTable } from './alerts/alert-source.ts';
import { CommitRounds } from './commit/commit-round.ts';
import type { CommitterOptions } from './commit/committer.ts';
import { dynamoCommitterLease } from './commit/committer-lease.ts';
import { checkLookMs, checkRetry, DailyCheck } from './daily-check.ts';
import { lakeWork } from './lake/lake.ts';
import { PeriodicWork } from './periodic-work.ts';
import { refuseBadWarehouse } from './preflight.ts';
import { DynamoLoadRegistry } from './registry/registry.ts';
import { redshiftLoader } from './service.ts';
import { ShardLoader } from './shard/shard-loader.ts';
import { readStreamGap } from './shard/stream-gap.ts';
import { startCommitterWith } from './side-work.ts';
import { copierOf, warehouseOf } from './warehouse-target.ts';

const committerLeaseMs = 15_000;
/** Longer than whoever put an object in place of another takes to name it. */
const orphanMarginMs = 3_600_000;

await refuseBadWarehouse(process.argv.slice(2), process.env);

await runConsumer({
  definition: redshiftLoader,

  createProcessor({ config, log, metrics, application, streamId }) {
    const objects = openObjectStore(config.OBJECTS_URL, config);
    const kinesis = kinesisClient(config);
    return new ShardLoader({
      registry: new DynamoLoadRegistry(dynamoClient(config), config.REGISTRY_TABLE, application, streamId),
      objects,
      deadLetters: createDeadLetters(objects, redshiftLoader.name, { log }),
      limits: { rows: config.FLUSH_ROWS, bytes: config.FLUSH_BYTES, ageMs: config.FLUSH_AGE_MS },
      decode: decodeBookingEvent,
      readGap: (shardId, after, upTo) => readStreamGap({ kinesis, streamName: config.EVENTS_STREAM, shardId, after, upTo }),
      log,
      metrics,
      now: Date.now,
      newId: randomUUID,
      random: Math.random,
      pause: sleep,
    });
  },

  startBackground({ config, log, metrics, workerId, application, streamId }) {
    const dynamo = dynamoClient(config);
    const database = warehouseOf(config);
    const objects = openObjectStore(config.OBJECTS_URL, config);
    const copier = copierOf(config, database, objects, randomUUID);
    const shared = { database, log, metrics, now: Date.now, random: Math.random };
    const rounds = new CommitRounds({
      ...shared,
      application,
      streamId,
      objects,
      registry: new DynamoLoadRegistry(dynamo, config.REGISTRY_TABLE, application, streamId),
      copier,
      limits: { maxFiles: config.COMMIT_MAX_FILES, maxBytes: config.COMMIT_MAX_BYTES },
      retentionMs: config.STAGE_RETENTION_MS,
      orphanAgeMs: config.STAGE_RETENTION_MS + orphanMarginMs,
      inLake: (batchId) => isInLake(objects, batchId),
      newId: randomUUID,
    });
    const lease = dynamoCommitterLease(dynamo, {
      table: config.REGISTRY_TABLE,
      application,
      owner: workerId,
      leaseMs: committerLeaseMs,
      now: Date.now,
    });
    const options: CommitterOptions = {
      ...shared,
      rounds,
      lease,
      intervalMs: config.COMMIT_INTERVAL_MS,
      leaseMs: committerLeaseMs,
      pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    };
    return startCommitterWith(options, (signal) => {
      const alerts = new AlertLoad({
        ...shared,
        alerts: alertsOfTable(dynamo, config.ALERTS_TABLE),
        copier,
        objects,
        lookBackDays: config.ALERTS_LOOK_BACK_DAYS,
        signal,
        newId: randomUUID,
      });
      const check = new DailyCheck(shared);
      return [
        lakeWork({ ...shared, application, streamId, objects, retentionMs: config.STAGE_RETENTION_MS, signal }),
        new PeriodicWork({
          ...shared,
          name: 'fraud_alert_load',
          run: () => alerts.run(),
          onLook: () => alerts.reportAge(),
          intervalMs: config.ALERTS_INTERVAL_MS,
          signal,
        }),
        new PeriodicWork({ ...shared, name: 'daily_check', run: () => check.run(), intervalMs: checkLookMs, retry: checkRetry, signal }),
      ];
    });
  },
});
