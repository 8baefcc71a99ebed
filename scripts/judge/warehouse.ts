import { isDeepStrictEqual } from 'node:util';
import type { CanonicalEvent } from '../generate/canonical.ts';
import { expectedEvents } from './contents.ts';
import { type Evidence, type Failures, groupBy, type WarehouseEvent } from './evidence.ts';
import type { LabelledPosition } from './source-positions.ts';

export interface WarehouseCounts {
  readonly expected: number;
  readonly rows: number;
  readonly missing: number;
  readonly duplicated: number;
}

/**
 * Every distinct event is one row, unaltered, in the ledger; each booking shows its newest version. An event that the run made the
 * warehouse refuse is in quarantine instead, and no other event is.
 */
export function judgeWarehouse(evidence: Evidence, positions: readonly LabelledPosition[], failures: Failures): WarehouseCounts {
  const expected = expectedEvents(positions);
  const rows = groupBy(evidence.warehouseRows, (row) => row.eventId);
  for (const eventId of judgeRefused(evidence, failures)) if (!rows.has(eventId)) expected.delete(eventId);
  let missing = 0;
  let duplicated = 0;
  for (const [eventId, event] of expected) {
    const [row, ...more] = rows.get(eventId) ?? [];
    duplicated += more.length;
    if (more.length > 0) failures.add('more than one warehouse row', `event ${eventId}`);
    if (row === undefined) {
      missing++;
      failures.add('not in the warehouse', `event ${eventId}`);
    } else if (!isSame(row, event)) {
      failures.add('warehouse row differs from what was sent', `event ${eventId}`);
    } else if (row.loadedAt === undefined) {
      failures.add('warehouse row without a ledger entry', `event ${eventId}`);
    }
  }
  for (const eventId of rows.keys()) if (!expected.has(eventId)) failures.add('in the warehouse, but never sent', `event ${eventId}`);
  judgeBookings(evidence, expected, failures);
  return { expected: expected.size, rows: evidence.warehouseRows.length, missing, duplicated };
}

/** Events that may be missing. */
function judgeRefused({ refused, quarantine }: Evidence, failures: Failures): ReadonlySet<string> {
  const kept = new Set(quarantine.map(({ eventId }) => eventId));
  for (const eventId of refused)
    if (!kept.has(eventId)) failures.add('refused by the warehouse, and not in quarantine', `event ${eventId}`);
  for (const { fileId, line, eventId } of quarantine) {
    if (eventId === undefined || !refused.includes(eventId)) failures.add('in quarantine, but valid', `file ${fileId} line ${line}`);
  }
  return new Set(refused.filter((eventId) => kept.has(eventId)));
}

function judgeBookings(evidence: Evidence, expected: ReadonlyMap<string, CanonicalEvent>, failures: Failures): void {
  const newest = new Map<string, CanonicalEvent>();
  for (const event of expected.values()) {
    const best = newest.get(event.bookingId);
    const wins = !best || event.version > best.version || (event.version === best.version && event.eventId > best.eventId);
    if (wins) newest.set(event.bookingId, event);
  }
  const shown = groupBy(evidence.warehouseBookings, (booking) => booking.bookingId);
  for (const [bookingId, event] of newest) {
    const [booking, ...more] = shown.get(bookingId) ?? [];
    if (booking?.eventId !== event.eventId || more.length > 0) failures.add('booking is not at its newest version', `booking ${bookingId}`);
    else if (!isSame(booking, event)) failures.add('booking differs from what was sent', `booking ${bookingId}`);
  }
  for (const bookingId of shown.keys()) if (!newest.has(bookingId)) failures.add('booking that was never sent', `booking ${bookingId}`);
}

/** Every column that comes from the event. */
function isSame(row: WarehouseEvent, made: CanonicalEvent): boolean {
  const { schemaVersion: _, ...event } = made;
  const columns = Object.keys(event) as (keyof typeof event)[];
  return isDeepStrictEqual(Object.fromEntries(columns.map((column) => [column, row[column]])), event);
}
