import type { StreamDefinition } from '../process/service.ts';

/** The change stream of the booking table: DynamoDB's streaming destination, duplicates and disorder included. */
export const bookingChanges: StreamDefinition = {
  name: 'booking-changes',
  summary: 'DynamoDB change records of the booking table; partition key undocumented',
  localShards: 2,
  retentionHours: 24,
};

/** The canonical stream every consumer reads: BookingEvent v1, partition key = userId, KPL-aggregated. */
export const bookingEvents: StreamDefinition = {
  name: 'booking-events',
  summary: 'BookingEvent v1, keyed by userId, KPL-aggregated',
  localShards: 2,
  retentionHours: 24,
};
