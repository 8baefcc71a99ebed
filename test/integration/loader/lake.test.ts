import assert from 'node:assert/strict';
import fc from 'fast-check';
import pino from 'pino';
import type { BookingEvent } from '../../../services/lib/events/booking-event.ts';
import { Metrics } from '../../../services/lib/process/metrics.ts';
import type { Row } from '../../../services/lib/warehouse/database.ts';
import { bookingEvent } from '../../../services/lib/warehouse/model.ts';
import { LakeQueue } from '../../../services/redshift-loader/lake/lake-queue.ts';
import { LakeWriter } from '../../../services/redshift-loader/lake/lake-writer.ts';
import { bookingEventOf, MemoryStore } from '../../services/redshift-loader/memory.ts';
import { readParquet } from '../../support/duckdb.ts';
import { openPGliteWarehouse, type PGliteWarehouse } from '../../support/pglite-warehouse.ts';
import { ShardLoads } from '../../support/warehouse-loads.ts';

const runs = Number(process.env['LAKE_RUNS'] ?? 5);

/** Every column in a form that both databases print alike; times by their epoch, JSON by its text. */
const selectOf = (timeOf: (column: string) => string, jsonOf: (column: string) => string): string =>
  bookingEvent.columns
    .map(({ name, type }) => {
      if (type.kind === 'timestamp') return `${timeOf(name)} AS ${name}`;
      return type.kind === 'json' ? `${jsonOf(name)} AS ${name}` : name;
    })
    .join(', ');
const warehouseSelect = selectOf(
  (column) => `CAST(EXTRACT(EPOCH FROM ${column}) * 1000 AS BIGINT)`,
  (column) => `CAST(${column} AS TEXT)`,
);
const lakeSelect = selectOf(
  (column) => `epoch_ms(${column})`,
  (column) => column,
);

/** JSON as its value (the warehouse orders keys), integers whatever their type. */
function plain(row: Row): Record<string, unknown> {
  const entries = bookingEvent.columns.map(({ name, type }) => {
    const value = row[name];
    if (value === null) return [name, null];
    if (type.kind === 'json') return [name, JSON.parse(value as string) as unknown];
    return [name, type.kind === 'text' ? value : BigInt(value as string | number | bigint)];
  });
  return Object.fromEntries(entries) as Record<string, unknown>;
}

const byPlace = (a: Record<string, unknown>, b: Record<string, unknown>): number =>
  String([a['file_id'], a['line']]).localeCompare(String([b['file_id'], b['line']]));

const nested = (depth: number): Record<string, never> =>
  JSON.parse(`${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}`) as Record<string, never>;

/** What CSV, SQL, Parquet or JSON might take for something else. */
const oddTexts = ['"', '""', '\\N', '\n', '\r\n', ',', "'", '\\', '\u0000', '\u2028', '\ud800', '🎫', 'é漢', ' ', 'null', '\t', '{}'];
const odd = fc.array(fc.constantFrom(...oddTexts), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
// The warehouse's last day; ShardLoads lets an event arrive 10 ms after it occurred.
const days = [
  '2000-01-01T00:00:00.000Z',
  '2026-03-29T01:59:59.999Z',
  '2026-11-01T23:59:59.999Z',
  '2026-11-02T00:00:00.000Z',
  '9999-12-31T23:59:59.989Z',
];

const draft = fc.record({
  text: odd,
  at: fc.constantFrom(...days),
  big: fc.constantFrom(0, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  traceparent: fc.option(fc.constantFrom('', '00-abc-def-01', '"\n'), { nil: undefined }),
  extra: fc.option(
    fc.oneof(fc.dictionary(odd, fc.oneof(odd, fc.double({ noNaN: true, noDefaultInfinity: true }))), fc.constant(nested(400))),
    { nil: undefined },
  ),
});

type Draft = typeof draft extends fc.Arbitrary<infer D> ? D : never;

function eventOf(id: string, { text, at, big, traceparent, extra }: Draft): BookingEvent {
  const event = bookingEventOf(`${id}${text}`, Math.abs(big), { userId: text, tourId: text, occurredAt: Date.parse(at), amountMinor: big });
  return { ...event, ...(traceparent === undefined ? {} : { traceparent }), ...(extra === undefined ? {} : { extra }) };
}

/** A batch: new events, and how many of them and of those before it come again. */
const batch = fc.record({ drafts: fc.array(draft, { minLength: 1, maxLength: 12 }), again: fc.nat({ max: 4 }) });

describe('the lake, read by DuckDB', () => {
  let warehouse: PGliteWarehouse;

  before(async function () {
    this.timeout(60_000);
    warehouse = await openPGliteWarehouse();
  });

  after(() => warehouse.db.close());

  const rowsOf = async (streams: readonly string[]): Promise<Record<string, unknown>[]> => {
    const session = await warehouse.database.connect();
    const files = streams.map((shard) => `file_id LIKE 'file-${shard}-%'`).join(' OR ');
    const { rows } = await session.query(`SELECT ${warehouseSelect} FROM booking_event WHERE ${files}`);
    return rows.map(plain).sort(byPlace);
  };

  /** The batches whose objects the store has; those of earlier runs it has not. */
  async function fill(store: MemoryStore): Promise<void> {
    const { database } = warehouse;
    const { signal } = new AbortController();
    const metrics = new Metrics();
    const queue = new LakeQueue({
      application: 'loader',
      streamId: 'booking-events@1',
      database,
      objects: store,
      writer: new LakeWriter({ database, objects: store, metrics, signal, yield: async () => {} }),
      retentionMs: 0,
      signal,
      log: pino({ level: 'silent' }),
      metrics,
      now: () => 0,
      random: () => 0,
    });
    queue.leading();
    await queue.idle();
  }

  it('holds the rows of booking_event, value by value, whatever the texts, times, repeats and batches', async function () {
    this.timeout(120_000);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 3, maxLength: 6 }), async (batches) => {
        run += 1;
        const store = new MemoryStore();
        const shards = [`${run}a`, `${run}b`];
        const loads = shards.map((shard) => new ShardLoads(warehouse.database, shard, store));
        const seen: BookingEvent[] = [];
        for (const [i, { drafts, again }] of batches.entries()) {
          const events = drafts.map((one, j) => eventOf(`${run}-${i}-${j}`, one));
          const files = [[...events, ...seen.slice(0, again)], [], events.slice(0, again), seen.slice(0, again)];
          const outcome = await loads[i % 2]?.load(files.map((content) => ({ events: content })));
          assert.equal(outcome?.kind, 'committed');
          seen.push(...events);
        }
        await fill(store);
        const parquet = [...store.objects].filter(([key]) => key.endsWith('.parquet'));
        const read = await readParquet(parquet, `SELECT ${lakeSelect} FROM 'FOLDER/lake/booking_event/*/*/*.parquet'`);
        const expected = await rowsOf(shards);
        assert.deepEqual(read.map(plain).sort(byPlace), expected);
        assert.equal(expected.length, seen.length);
        assert.equal([...store.objects.keys()].filter((key) => key.startsWith('lake/batches/')).length, batches.length);
      }),
      { numRuns: runs },
    );
  });
});
