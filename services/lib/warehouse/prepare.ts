import { applyCalendar } from './calendar.ts';
import type { Database } from './database.ts';
import { migrate } from './migrations.ts';

export interface Prepared {
  /** Versions applied now. */
  readonly applied: readonly number[];
  readonly version: number;
  readonly calendar: Awaited<ReturnType<typeof applyCalendar>>;
}

/** All that a warehouse needs before a loader starts: the migrations, and the calendar of its business time zone. Twice does no harm. */
export async function prepareWarehouse(
  database: Database,
  timeZone: string,
  options: { readonly rebuild?: boolean } = {},
): Promise<Prepared> {
  const migrated = await migrate(database);
  return { ...migrated, calendar: await applyCalendar(database, timeZone, options) };
}
