import { alertsTable } from '../lib/alerts/alerts-table.ts';
import { bookingEvents } from '../lib/events/streams.ts';
import { fraudAlerts } from '../lib/events/topics.ts';
import { kclConsumerConfig } from '../lib/kcl/config.ts';
import { integerOr, text, textOr } from '../lib/process/config.ts';
import { defineService } from '../lib/process/service.ts';
import { rulesPrefix, rulesTable } from '../lib/rules/live/dynamo-rules-store.ts';
import { stateTableDefinition } from '../lib/state/dynamo-state-table.ts';

export const fraudDetector = defineService({
  name: 'fraud-detector',
  summary: 'Applies the fraud rules to every user; stores each alert once and publishes it.',
  runtime: 'kcl-consumer',
  config: {
    ...kclConsumerConfig,
    EVENTS_STREAM: textOr(bookingEvents.name),
    ALERTS_TABLE: textOr(alertsTable.name),
    ALERTS_TOPIC_ARN: text.describe('SNS topic that alerts are published to'),
    MAX_ALERTS_PER_MINUTE: integerOr(600, 1, 100_000).describe('published by one process at most; the rest waits on the outbox'),
    RULES_TABLE: textOr('fraud-rules'),
    STATE_TABLE: textOr('shard-state'),
    OBJECTS_URL: text.describe('object store of snapshots, rules and dead letters: file:///dir or s3://bucket/prefix'),
    SNAPSHOT_INTERVAL_MS: integerOr(15_000, 100, 600_000).describe(
      'how often a shard that moves is saved (ms): what came since is read again after a crash',
    ),
  },
  consumes: {
    stream: bookingEvents,
    streamConfigKey: 'EVENTS_STREAM',
    application: 'fraud-detector',
    idleTimeBetweenReadsMs: 400,
    maxRecords: 2_000,
  },
  produces: [],
  tables: [alertsTable, rulesTable, stateTableDefinition],
  topics: [fraudAlerts],
  objects: [
    { prefix: 'state/', access: 'readwrite' },
    { prefix: rulesPrefix, access: 'readwrite' },
    { prefix: 'deadletter/fraud-detector/', access: 'write' },
  ],
  actions: [],
  size: { cpu: 1_024, memoryMiB: 2_048 },
});
