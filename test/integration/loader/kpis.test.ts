import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { businessCalendar, dayMs } from '../../../services/lib/warehouse/business-days.ts';
import { applyCalendar, rebuildFromEvents } from '../../../services/lib/warehouse/calendar.ts';
import { bookingEventOf } from '../../services/redshift-loader/memory.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { ShardLoads } from '../../support/warehouse-loads.ts';
import { type Measures, Recount } from './kpi-recount.ts';

/** Days on which the zone's clock changes, or on which it had none of. */
const zones: readonly (readonly [zone: string, ...around: string[]])[] = [
  ['Europe/Berlin', '2026-03-29', '2026-10-25'],
  ['America/New_York', '2026-03-08', '2026-11-01'],
  ['Asia/Kolkata', '2026-06-01'],
  ['Asia/Kathmandu', '2026-06-01'],
  ['Australia/Lord_Howe', '2026-04-05', '2026-10-04'],
  ['Pacific/Apia', '2011-12-30'],
];

// What failed is not made smaller: every try is several loads.
const runs = Number(process.env['KPI_RUNS'] ?? 3);

/** Where one business day ends and the next begins, within two days of `around`. */
const turnsOf = (zone: string, around: readonly string[]): number[] =>
  around.flatMap((text) => {
    const day = Date.parse(text) / dayMs;
    return businessCalendar(zone, day - 2, day + 2).days.map((one) => one.startsAt);
  });

/** Events within two days of `around`, many at the turn of a day; a version is one event, so that the same id is the same content. */
const eventsAround = (zone: string, around: readonly string[]): fc.Arbitrary<BookingEvent[]> =>
  fc
    .uniqueArray(
      fc.record({
        booking: fc.integer({ min: 1, max: 20 }),
        version: fc.integer({ min: 1, max: 9 }),
        type: fc.constantFrom('reserved', 'cancelled', 'changed', 'expired'),
        at: fc.oneof(
          fc.tuple(fc.constantFrom(...turnsOf(zone, around)), fc.constantFrom(-1, 0, 1)),
          fc.tuple(fc.constantFrom(...around.map((day) => Date.parse(day))), fc.integer({ min: -2 * dayMs, max: 3 * dayMs })),
        ),
        // Few keys, so that later batches meet rows that stand.
        tour: fc.constantFrom('rome', `o'slo 🎫`),
        channel: fc.constantFrom('web', 'web', 'partner'),
        currency: fc.constantFrom('EUR', 'EUR', 'JPY'),
        seats: fc.integer({ min: 0, max: 5 }),
        amount: fc.oneof(fc.integer({ min: -500, max: 90_000 }), fc.constant(Number.MAX_SAFE_INTEGER)),
      }),
      { minLength: 20, maxLength: 60, selector: ({ booking, version, type }) => `${booking} ${version} ${type}` },
    )
    .map((drawn) =>
      drawn.map(({ booking, version, type, at: [instant, offset], tour, channel, currency, seats, amount }) =>
        bookingEventOf(`b${booking}`, version, {
          type,
          occurredAt: instant + offset,
          tourId: tour,
          channel,
          currency,
          seats,
          amountMinor: amount,
        }),
      ),
    );

/** Each event at least once, some again, in any order, cut into batches of one or two files. */
const arrivalOf = (events: readonly BookingEvent[]): fc.Arbitrary<{ order: BookingEvent[]; cuts: number[] }> =>
  fc.record({
    order: fc
      .subarray([...events])
      .chain((again) => fc.shuffledSubarray([...events, ...again], { minLength: events.length + again.length })),
    cuts: fc.array(fc.integer({ min: 1, max: Math.ceil(events.length / 2) }), { minLength: 1, maxLength: 4 }),
  });

const history = (zone: string, around: readonly string[]) =>
  eventsAround(zone, around).chain((events) => fc.record({ events: fc.constant(events), arrival: arrivalOf(events) }));

describe('KPIs in the warehouse', function () {
  this.timeout(120_000);
  let warehouse: PGliteWarehouse;
  let shards = 0;
  before(async () => {
    warehouse = await openPGliteWarehouse();
  });
  after(() => warehouse.db.close());

  const rows = async (sql: string): Promise<Record<string, unknown>[]> => (await warehouse.db.query<Record<string, unknown>>(sql)).rows;
  const empty = () => warehouse.db.exec('TRUNCATE booking_event, booking, kpi_hourly, dim_tour, quarantine, load_ledger, load_watermark');
  const figures = () => rows('SELECT *, hour::text, business_day::text FROM kpi_hourly ORDER BY 1, 2, 3, 4, 5');

  async function load(order: readonly BookingEvent[], cuts: readonly number[]): Promise<void> {
    const shard = new ShardLoads(warehouse.database, `s${++shards}`);
    for (let at = 0, batch = 0; at < order.length; batch++) {
      const end = at + (batch < cuts.length ? (cuts[batch] ?? 1) : order.length);
      const middle = at + Math.ceil((end - at) / 2);
      const files = [order.slice(at, middle), order.slice(middle, end)].filter((events) => events.length > 0);
      await shard.load(files.map((events) => ({ events })));
      at = end;
    }
  }

  async function shown(view: string, keys: readonly string[]): Promise<Map<string, Measures>> {
    const found = await rows(`SELECT *, business_day::text FROM ${view}`);
    return new Map(
      found.map((row) => {
        const { business_day, currency, tour_id: _, channel: __, hour_of_day: ___, ...measures } = row;
        const key = [business_day, ...keys.map((name) => row[name]), currency].map(String).join('|');
        return [key, textual(measures)];
      }),
    );
  }

  for (const [zone, ...around] of zones) {
    it(`show what a recount of the events finds, late and repeated ones too, around ${around.join(' and ')} in ${zone}`, async () => {
      await empty();
      await applyCalendar(warehouse.database, zone);
      await fc.assert(
        fc.asyncProperty(history(zone, around), async ({ events, arrival }) => {
          await empty();
          await load(arrival.order, arrival.cuts);
          const recount = new Recount(events, zone);
          assert.deepEqual(await shown('kpi_daily', []), recount.daily());
          assert.deepEqual(await shown('kpi_tour_daily', ['tour_id']), recount.byTour());
          assert.deepEqual(await shown('kpi_channel_daily', ['channel']), recount.byChannel());
          assert.deepEqual(await shown('kpi_hour_of_day', ['hour_of_day']), recount.byHour());
          assert.deepEqual(
            await rows('SELECT tour_id FROM dim_tour ORDER BY tour_id COLLATE "C"'),
            [...new Set(events.map((event) => event.tourId))].sort().map((tour_id) => ({ tour_id })),
          );
          const kept = await figures();
          await rebuildFromEvents(warehouse.database);
          assert.deepEqual(await figures(), kept, 'a rebuild finds the same');
        }),
        { numRuns: runs, endOnFailure: true },
      );
    });
  }

  it('keep of each booking the event with the highest version, whatever the order and the batches', async () => {
    const about = fc.array(
      fc.tuple(fc.constantFrom('x', 'y'), fc.integer({ min: 1, max: 2 }), fc.constantFrom('changed', 'cancelled', 'expired')),
      {
        minLength: 2,
        maxLength: 12,
      },
    );
    const arrivals = about.chain((drawn) => {
      const events = drawn.map(([id, version, type]) =>
        bookingEventOf(id, version, { type: type as BookingEvent['type'], seats: version }),
      );
      return fc.record({ events: fc.constant(events), one: arrivalOf(events), other: arrivalOf(events) });
    });
    const current = () => rows('SELECT booking_id, version, event_id, type, seats FROM booking ORDER BY booking_id');
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ events, one, other }) => {
        const expected = new Map<string, BookingEvent>();
        for (const event of events) {
          const known = expected.get(event.bookingId);
          const newer = !known || event.version > known.version || (event.version === known.version && event.eventId > known.eventId);
          if (newer) expected.set(event.bookingId, event);
        }
        const wanted = [...expected.values()]
          .map(({ bookingId, version, eventId, type, seats }) => ({ booking_id: bookingId, version, event_id: eventId, type, seats }))
          .sort((a, b) => (a.booking_id < b.booking_id ? -1 : 1));
        for (const { order, cuts } of [one, other]) {
          await empty();
          await load(order, cuts);
          assert.deepEqual(await current(), wanted);
        }
      }),
      { numRuns: runs * 2, endOnFailure: true },
    );
  });

  it('add to the row that stands: one for each hour, day, tour, channel and currency', async () => {
    await empty();
    const events = [1, 2, 3].map((n) => bookingEventOf(`same-hour-${n}`, 1, { occurredAt: Date.UTC(2026, 5, 1, 12, n) }));
    await load(events, [1, 1]);
    assert.deepEqual(await rows('SELECT hour::text, reserved FROM kpi_hourly'), [{ hour: '2026-06-01 12:00:00', reserved: 3 }]);
  });

  it('hold sums that a BIGINT would not, without stopping a load', async () => {
    await empty();
    const largest = (id: string): BookingEvent => bookingEventOf(id, 1, { amountMinor: Number.MAX_SAFE_INTEGER });
    const half = Array.from({ length: 600 }, (_, i) => largest(`big-${i}`));
    await load([...half, ...half.map((_, i) => largest(`more-${i}`))], [600]);
    assert.deepEqual(await rows('SELECT gross_minor FROM kpi_daily'), [{ gross_minor: String(1_200n * BigInt(Number.MAX_SAFE_INTEGER)) }]);
  });
});

/** Counts come as numbers where they are small; compared as text. */
function textual(measures: Readonly<Record<string, unknown>>): Measures {
  const ratios = ['cancellation_rate', 'average_booking_minor', 'average_seat_minor'];
  return Object.fromEntries(
    Object.entries(measures).map(([name, value]) => [name, ratios.includes(name) ? value : String(value)]),
  ) as unknown as Measures;
}
