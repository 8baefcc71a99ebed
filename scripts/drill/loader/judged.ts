import type { Evidence } from '../../judge/evidence.ts';

/** The sums that the judge has compared. */
export interface Judged {
  readonly rows: number;
  readonly distinctEvents: number;
  /** Valid records on the shards of booking-events, repeats among them. */
  readonly validRecords: number;
  readonly copied: number;
  readonly inserted: number;
  readonly quarantined: number;
  readonly files: number;
  readonly shards: number;
  readonly hourlyRows: number;
  readonly bookings: number;
}

export function judgedFigures({ warehouseRows, warehouseBookings, routed, ledger, watermarks, hourly }: Evidence): Judged {
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  return {
    rows: warehouseRows.length,
    distinctEvents: new Set(warehouseRows.map(({ eventId }) => eventId)).size,
    validRecords: sum(routed.map(({ records }) => records.length)),
    copied: sum(ledger.map(({ copied }) => copied)),
    inserted: sum(ledger.map(({ inserted }) => inserted)),
    quarantined: sum(ledger.map(({ quarantined }) => quarantined)),
    files: ledger.length,
    shards: watermarks.length,
    hourlyRows: hourly.length,
    bookings: warehouseBookings.length,
  };
}

const count = (n: number): string => n.toLocaleString('en-US');

/** For people to see what was held against what; the verdict is the judge's. */
export function judgedText(judged: Judged): string {
  const rows = [
    [
      'booking_event',
      `${count(judged.rows)} rows, ${count(judged.distinctEvents)} distinct events, ${count(judged.inserted)} inserted by the ledger`,
    ],
    [
      'ledger',
      `${count(judged.copied)} rows copied + ${count(judged.quarantined)} refused of ${count(judged.validRecords)} valid records on the stream`,
    ],
    ['ranges', `${count(judged.files)} files of ${count(judged.shards)} shards, each from 0 to the watermark`],
    ['kpi_hourly', `${count(judged.hourlyRows)} rows against a recount of booking_event`],
    ['booking', `${count(judged.bookings)} rows against the highest version of each`],
  ] as const;
  return rows.map(([name, text]) => `  ${name.padEnd(16)}${text}\n`).join('');
}
