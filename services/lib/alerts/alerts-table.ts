import type { TableDefinition } from '../process/service.ts';

/** The partition of this index is a day in UTC (`dayOf`), the one of the alert's `raisedAt`. */
export const byDayIndex = 'by-day';

export const alertsTable: TableDefinition = {
  name: 'fraud-alerts',
  configKey: 'ALERTS_TABLE',
  summary: 'one item per alert, put once; `pending` is present until it was published',
  partitionKey: { name: 'alertId', type: 'S' },
  indexes: [
    { name: 'pending', partitionKey: { name: 'pending', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
    { name: byDayIndex, partitionKey: { name: 'day', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
    { name: 'by-user', partitionKey: { name: 'key', type: 'S' }, sortKey: { name: 'raisedAt', type: 'N' } },
  ],
};
