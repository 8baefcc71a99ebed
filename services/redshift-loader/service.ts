import { alertsTable } from '../lib/alerts/alerts-table.ts';
import { bookingEvents } from '../lib/events/streams.ts';
import { kclConsumerConfig } from '../lib/kcl/config.ts';
import { integerOr, text, textOr } from '../lib/process/config.ts';
import { defineService } from '../lib/process/service.ts';
import { warehouseUrlForms } from '../lib/warehouse/target.ts';

/** No comma: that would be a chain of roles, which COPY takes and our literals do not. */
const roleArn = text.regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=.@/-]+$/, 'expected arn:aws:iam::123456789012:role/NAME');

export const redshiftLoader = defineService({
  name: 'redshift-loader',
  summary: 'Stages events as files, registers them per shard, and commits them to the warehouse exactly once.',
  runtime: 'kcl-consumer',
  config: {
    ...kclConsumerConfig,
    EVENTS_STREAM: textOr(bookingEvents.name),
    REGISTRY_TABLE: textOr('load-registry'),
    ALERTS_TABLE: textOr(alertsTable.name),
    OBJECTS_URL: text.describe('object store of staged files and dead letters: file:///dir or s3://bucket/prefix'),
    WAREHOUSE_URL: text.describe(warehouseUrlForms),
    WAREHOUSE_CA_FILE: text
      .optional()
      .describe("PEM file of the authorities that may certify the warehouse; default: Node's own, Amazon's among them"),
    WAREHOUSE_COPY_ROLE_ARN: roleArn.optional().describe('role under which Redshift reads the stage; needed for redshift://'),
    FLUSH_ROWS: integerOr(20_000, 1, 1_000_000).describe('rows of one staged file at most'),
    FLUSH_BYTES: integerOr(16_777_216, 1_024, 268_435_456).describe('of uncompressed CSV'),
    FLUSH_AGE_MS: integerOr(15_000, 100, 600_000).describe('age of the oldest row when its file is staged (ms)'),
    COMMIT_INTERVAL_MS: integerOr(30_000, 100, 600_000).describe('Redshift stands few commits: at most one per interval'),
    COMMIT_MAX_FILES: integerOr(200, 1, 5_000).describe('files of one load transaction at most'),
    COMMIT_MAX_BYTES: integerOr(1_073_741_824, 1_048_576, 17_179_869_184).describe('of uncompressed CSV'),
    STAGE_RETENTION_MS: integerOr(86_400_000, 0, 2_592_000_000).describe('how long a loaded file stays in the stage, for inspection'),
    ALERTS_INTERVAL_MS: integerOr(300_000, 1_000, 3_600_000).describe('how often the alerts table is read for the warehouse (ms)'),
    ALERTS_LOOK_BACK_DAYS: integerOr(90, 1, 400).describe(
      'how many days of the alerts table are read at the start and once a day: an alert that is published or withheld later than that after it was raised stays as it was',
    ),
  },
  consumes: {
    stream: bookingEvents,
    streamConfigKey: 'EVENTS_STREAM',
    application: 'redshift-loader',
    idleTimeBetweenReadsMs: 1_000,
    maxRecords: 2_000,
  },
  produces: [],
  tables: [
    {
      name: 'load-registry',
      configKey: 'REGISTRY_TABLE',
      summary: "per shard its head (the shard's position) and one row per staged file",
      partitionKey: { name: 'pk', type: 'S' },
      sortKey: { name: 'sk', type: 'S' },
    },
  ],
  readsTables: [alertsTable],
  topics: [],
  objects: [
    { prefix: 'stage/', access: 'readwrite' },
    { prefix: 'lake/', access: 'readwrite' },
    { prefix: 'deadletter/redshift-loader/', access: 'write' },
    { prefix: 'quarantine/', access: 'write' },
  ],
  actions: ['redshift-serverless:GetCredentials'],
  size: { cpu: 1_024, memoryMiB: 2_048 },
});
