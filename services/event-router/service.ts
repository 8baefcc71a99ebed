import { bookingChanges, bookingEvents } from '../lib/events/streams.ts';
import { kclConsumerConfig } from '../lib/kcl/config.ts';
import { text, textOr } from '../lib/process/config.ts';
import { defineService } from '../lib/process/service.ts';
import { itemAttributes } from './item-attributes.ts';

export const eventRouter = defineService({
  name: 'event-router',
  summary: 'Turns DynamoDB change records into BookingEvent v1, keyed by user; dead-letters what it cannot read.',
  runtime: 'kcl-consumer',
  config: {
    ...kclConsumerConfig,
    CHANGES_STREAM: textOr(bookingChanges.name),
    EVENTS_STREAM: textOr(bookingEvents.name),
    OBJECTS_URL: text.describe('object store of dead letters: file:///dir or s3://bucket/prefix'),
    ITEM_ATTRIBUTES: itemAttributes.describe("JSON: the booking table's names of attributes that differ from the defaults"),
    CANCELLED_STATUS: textOr('CANCELLED').describe('the status of a booking that is cancelled'),
  },
  consumes: {
    stream: bookingChanges,
    streamConfigKey: 'CHANGES_STREAM',
    application: 'event-router',
    idleTimeBetweenReadsMs: 200,
    maxRecords: 1_000,
  },
  produces: [{ stream: bookingEvents, configKey: 'EVENTS_STREAM' }],
  tables: [],
  topics: [],
  objects: [
    { prefix: 'deadletter/event-router/', access: 'write' },
    { prefix: 'originals/', access: 'write' },
  ],
  actions: [],
  size: { cpu: 512, memoryMiB: 1_024 },
});
