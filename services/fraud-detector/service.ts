import { bookingEvents } from '../lib/events/streams.ts';
import { kclConsumerConfig } from '../lib/kcl/config.ts';
import { text, textOr } from '../lib/process/config.ts';
import { defineService } from '../lib/process/service.ts';

export const fraudDetector = defineService({
  name: 'fraud-detector',
  summary: 'Applies the fraud rules to every user; stores each alert once and publishes it.',
  runtime: 'kcl-consumer',
  config: {
    ...kclConsumerConfig,
    EVENTS_STREAM: textOr(bookingEvents.name),
    ALERTS_TABLE: textOr('fraud-alerts'),
    ALERTS_TOPIC_ARN: text.describe('SNS topic that alerts are published to'),
  },
  consumes: {
    stream: bookingEvents,
    streamConfigKey: 'EVENTS_STREAM',
    application: 'fraud-detector',
    idleTimeBetweenReadsMs: 400,
    maxRecords: 2_000,
  },
  produces: [],
  tables: [
    {
      name: 'fraud-alerts',
      configKey: 'ALERTS_TABLE',
      summary: 'one item per alert, put once; `pending` is present until it was published',
      partitionKey: { name: 'alertId', type: 'S' },
      indexes: [
        { name: 'pending', partitionKey: { name: 'pending', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
        { name: 'by-day', partitionKey: { name: 'day', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
        { name: 'by-user', partitionKey: { name: 'key', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
      ],
    },
  ],
  topics: [
    {
      name: 'fraud-alerts',
      configKey: 'ALERTS_TOPIC_ARN',
      summary: 'one message per alert, at least once; subscribers drop a repeated alertId',
    },
  ],
  objects: [],
  actions: [],
  size: { cpu: 1_024, memoryMiB: 2_048 },
});
