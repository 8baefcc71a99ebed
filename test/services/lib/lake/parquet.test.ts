import assert from 'node:assert/strict';
import { athenaTable } from '../../../../services/lib/lake/athena-table.ts';
import { HourlyFiles } from '../../../../services/lib/lake/hourly-files.ts';
import { eventsKey, hourOf } from '../../../../services/lib/lake/layout.ts';
import { ParquetRows } from '../../../../services/lib/lake/parquet-rows.ts';
import { parquetSchema } from '../../../../services/lib/lake/parquet-schema.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';
import { bookingEvent, columnNames } from '../../../../services/lib/warehouse/model.ts';
import { readParquet } from '../../../support/duckdb.ts';

const mismatch = (error: unknown): boolean => isPlatformError(error, 'WAREHOUSE_MISMATCH');
const maxBigint = '9223372036854775807';

/** A staged row; `values` by column name over plain ones. */
function rowOf(line: number, values: Readonly<Record<string, string | null>> = {}): (string | null)[] {
  const plain: Readonly<Record<string, string | null>> = {
    file_id: 'file-1',
    line: String(line),
    version: '1',
    occurred_at: '2026-07-05 23:59:59.999',
    seats: '2',
    amount_minor: '12900',
    traceparent: null,
    extra: null,
    arrived_at: '2026-07-06 00:00:00.000',
    ...values,
  };
  return columnNames(bookingEvent).map((name) => (name in plain ? (plain[name] ?? null) : `${name} ${line}`));
}

function fileOf(rows: readonly (readonly (string | null)[])[]): Buffer {
  const file = new ParquetRows(bookingEvent);
  for (const row of rows) file.add(row);
  return file.finish();
}

describe('Parquet files of events', () => {
  it('have the columns of the warehouse, real timestamps in UTC, and nulls only where the warehouse allows them', async () => {
    const body = fileOf([rowOf(1)]);
    const schema = await readParquet([['e.parquet', body]], `SELECT * FROM parquet_schema('FOLDER/e.parquet') WHERE type IS NOT NULL`);
    assert.deepEqual(
      schema.map((column) => [column['name'], column['type'], column['repetition_type'] === 'OPTIONAL', String(column['logical_type'])]),
      bookingEvent.columns.map((column) => {
        const stored = {
          integer: ['INT32', 'null'],
          bigint: ['INT64', 'null'],
          timestamp: ['INT64', 'TimestampType(isAdjustedToUTC=1, unit=TimeUnit(MILLIS=MilliSeconds(), MICROS=<null>, NANOS=<null>))'],
          text: ['BYTE_ARRAY', 'StringType()'],
          json: ['BYTE_ARRAY', 'StringType()'],
        }[column.type.kind as 'text'];
        return [column.name, stored?.[0], column.nullable === true, stored?.[1]];
      }),
    );
  });

  it('are read by DuckDB as they were written, the largest integers and the first and last years among them', async () => {
    const rows = [
      rowOf(1, { version: maxBigint, amount_minor: '-9223372036854775808', seats: '2147483647', occurred_at: '2000-01-01 00:00:00.000' }),
      rowOf(2147483647, {
        occurred_at: '9999-12-31 23:59:59.999',
        traceparent: '',
        extra: '{"a":"🎫\\u2028\\"\\n"}',
        seats: '-2147483648',
      }),
    ];
    const read = await readParquet(
      [['e.parquet', fileOf(rows)]],
      `SELECT line, version, amount_minor, seats, strftime(occurred_at AT TIME ZONE 'UTC', '%Y-%m-%d %H:%M:%S.%g') AS occurred_at, traceparent,
       extra, user_id FROM 'FOLDER/e.parquet' ORDER BY line`,
    );
    assert.deepEqual(read, [
      {
        line: 1,
        version: BigInt(maxBigint),
        amount_minor: -9_223_372_036_854_775_808n,
        seats: 2_147_483_647,
        occurred_at: '2000-01-01 00:00:00.000',
        traceparent: null,
        extra: null,
        user_id: 'user_id 1',
      },
      {
        line: 2_147_483_647,
        version: 1n,
        amount_minor: 12_900n,
        seats: -2_147_483_648,
        occurred_at: '9999-12-31 23:59:59.999',
        traceparent: '',
        extra: '{"a":"🎫\\u2028\\"\\n"}',
        user_id: 'user_id 2147483647',
      },
    ]);
  });

  it('refuse what is no row of the table', () => {
    const refused = (row: readonly (string | null)[]): void => assert.throws(() => fileOf([row]), mismatch);
    refused(rowOf(1).slice(1));
    refused(rowOf(1, { user_id: null }));
    refused(rowOf(1, { seats: '1.5' }));
    refused(rowOf(1, { seats: '99999999999' }));
    refused(rowOf(1, { seats: '2147483648' }));
    refused(rowOf(1, { version: '9223372036854775808' }));
    refused(rowOf(1, { version: '' }));
    refused(rowOf(1, { arrived_at: '2026-13-01 00:00:00.000' }));
    refused(rowOf(1, { arrived_at: '2026-07-05' }));
  });

  it('are one for each UTC hour of occurred_at, in groups of at most 2,000 rows', async () => {
    const files = new HourlyFiles(bookingEvent);
    const hours = ['2026-07-05 22:59:59.999', '2026-07-05 23:00:00.000', '2026-07-06 00:00:00.000'];
    let pauses = 0;
    for (let i = 0; i < 6_300; i++) if (files.add(rowOf(i + 1, { occurred_at: hours[i < 300 ? 0 : 1 + (i % 2)] ?? '' }))) pauses += 1;
    assert.equal(pauses, 2);
    const written = [...files.take()].map(({ dt, hour, rows, body }) => [eventsKey('batch', 0, { dt, hour }), rows, body] as const);
    assert.deepEqual(
      written.map(([key, rows]) => [key, rows]),
      [
        ['lake/booking_event/dt=2026-07-05/hour=22/batch-0.parquet', 300],
        ['lake/booking_event/dt=2026-07-05/hour=23/batch-0.parquet', 3_000],
        ['lake/booking_event/dt=2026-07-06/hour=00/batch-0.parquet', 3_000],
      ],
    );
    const groups = await readParquet(
      written.map(([key, , body]) => [key, body] as const),
      `SELECT DISTINCT split_part(file_name, '/', -2) AS hour, row_group_id AS id, row_group_num_rows AS n
       FROM parquet_metadata('FOLDER/*/*/*/*/*.parquet') ORDER BY hour, id`,
    );
    assert.deepEqual(
      groups.map(({ hour, n }) => [hour, Number(n)]),
      [
        ['hour=00', 2_000],
        ['hour=00', 1_000],
        ['hour=22', 300],
        ['hour=23', 2_000],
        ['hour=23', 1_000],
      ],
    );
    assert.deepEqual([...files.take()], [], 'what was taken is gone');
  });

  it('hold little at a time, with long rows and with rows of many hours', () => {
    const long = JSON.stringify({ a: 'x'.repeat(65_000) });
    const oneHour = new HourlyFiles(bookingEvent);
    const pausesAt = Array.from({ length: 70 }, (_, i) => i + 1).filter((line) => oneHour.add(rowOf(line, { extra: long })));
    assert.deepEqual(pausesAt, [17, 34, 51, 68], 'a million characters are a group');
    const manyHours = new HourlyFiles(bookingEvent);
    const occurred = (i: number): string =>
      `2026-07-${String(1 + Math.floor(i / 24)).padStart(2, '0')} ${String(i % 24).padStart(2, '0')}:00:00.000`;
    let added = 0;
    while (!manyHours.add(rowOf(added + 1, { extra: long, occurred_at: occurred(added % 600) }))) added += 1;
    assert.ok(added > 250 && added < 260, `${added} rows of 65,000 characters were held`);
  });

  it('have the bytes that they had, so that a batch written again is the same', () => {
    const rows = Array.from({ length: 50 }, (_, i) => rowOf(i + 1));
    assert.ok(fileOf(rows).equals(fileOf(rows)));
  });
});

describe('hour of a staged time', () => {
  it('is refused for what is no time', () => {
    assert.deepEqual(hourOf('2026-07-05 09:30:00.000'), { dt: '2026-07-05', hour: '09' });
    for (const text of ['', '2026-07-05', '2026-07-05 24:00:00.000', '../../x 09:00:00.000']) assert.throws(() => hourOf(text), mismatch);
  });
});

describe('Athena table', () => {
  const table = athenaTable('s3://bucket/prefix/', '2026-01-01');

  it('has the columns of the Parquet files, in their order and of their types', () => {
    const athenaTypeOf = (element: ReturnType<typeof parquetSchema>[number]): string => {
      if (element.logical_type?.type === 'TIMESTAMP') return 'timestamp';
      return { INT32: 'int', INT64: 'bigint', BYTE_ARRAY: 'string' }[String(element.type)] ?? 'none';
    };
    const [, ...elements] = parquetSchema(bookingEvent);
    assert.deepEqual(
      table.columns,
      elements.map((element) => ({ name: element.name, type: athenaTypeOf(element) })),
    );
  });

  it('projects exactly the folders that the loader writes', () => {
    const { parameters } = table;
    const folder = (dt: string, hour: number): string =>
      (parameters['storage.location.template'] ?? '')
        .replace('${dt}', dt)
        .replace('${hour}', String(hour).padStart(Number(parameters['projection.hour.digits']), '0'));
    assert.ok(`s3://bucket/prefix/${eventsKey('batch', 0, hourOf('2026-07-05 07:00:00.000'))}`.startsWith(folder('2026-07-05', 7)));
    assert.ok(folder('2026-07-05', 7).startsWith(table.location));
    assert.equal(parameters['projection.dt.range'], '2026-01-01,NOW+1DAYS');
    for (const { name } of table.partitionKeys) assert.ok(parameters[`projection.${name}.type`], name);
  });
});
