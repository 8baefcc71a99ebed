import { isDeepStrictEqual } from 'node:util';
import { type Evidence, type Failures, groupBy } from './evidence.ts';

/** The warehouse has each stored alert once, with what it is looked up by, and no other. */
export function judgeWarehouseAlerts({ storedAlerts, warehouseAlerts }: Evidence, failures: Failures): void {
  const rows = groupBy(warehouseAlerts, ({ alertId }) => alertId);
  const stored = new Map(storedAlerts.map(({ columns }) => [columns.alertId, columns]));
  for (const [alertId, columns] of stored) {
    const [row, ...more] = rows.get(alertId) ?? [];
    if (more.length > 0) failures.add('more than one warehouse row of an alert', `alert ${alertId}`);
    if (row === undefined) failures.add('stored alert that is not in the warehouse', `alert ${alertId}`);
    else if (!isDeepStrictEqual(row, columns)) failures.add('alert in the warehouse differs from the stored one', `alert ${alertId}`);
  }
  for (const alertId of rows.keys())
    if (!stored.has(alertId)) failures.add('alert in the warehouse that is not stored', `alert ${alertId}`);
}
