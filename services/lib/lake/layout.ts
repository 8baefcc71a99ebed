import type { ObjectStore } from '../objects/object-store.ts';
import { PlatformError } from '../process/errors.ts';

/** Where the lake's events are: what is below has a folder per day and hour of occurred_at (UTC). */
export const eventsPrefix = 'lake/booking_event/';

export interface Hour {
  /** `YYYY-MM-DD`. */
  readonly dt: string;
  /** `00` to `23`. */
  readonly hour: string;
}

/** Of a time as staged, `YYYY-MM-DD HH:MM:SS.mmm`. */
export function hourOf(timestamp: string): Hour {
  const match = /^(\d{4}-\d\d-\d\d) ([01]\d|2[0-3]):/.exec(timestamp);
  if (match === null) throw new PlatformError('WAREHOUSE_MISMATCH', `not a timestamp: ${JSON.stringify(timestamp.slice(0, 80))}`);
  const [, dt = '', hour = ''] = match;
  return { dt, hour };
}

/** `part` counts from 0 within the batch. */
export const eventsKey = (batchId: string, part: number, { dt, hour }: Hour): string =>
  `${eventsPrefix}dt=${dt}/hour=${hour}/${batchId}-${part}.parquet`;

/** Written last: with it, all events that the batch inserted are in the lake. */
export const markerKey = (batchId: string): string => `lake/batches/${batchId}.json`;

export interface Marker {
  readonly batchId: string;
  /** Files of the batch, those without rows too. */
  readonly files: number;
  /** Events that the batch inserted into the warehouse. */
  readonly rows: number;
  /** In the order in which they were written. */
  readonly objects: readonly { readonly key: string; readonly rows: number }[];
}

/** Whether the events of a committed batch are in the lake, so that nothing there needs its staged files any more. */
export async function isInLake(objects: Pick<ObjectStore, 'head'>, batchId: string): Promise<boolean> {
  return (await objects.head(markerKey(batchId))) !== undefined;
}
