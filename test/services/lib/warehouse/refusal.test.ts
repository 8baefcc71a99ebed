import assert from 'node:assert/strict';
import { csvFile, eventFields } from '../../../../services/lib/warehouse/csv.ts';
import { fieldsOf, refusedRow } from '../../../../services/lib/warehouse/csv-records.ts';
import { findRedshiftRefusal, loadErrorsSql, postgresRefusal, type Refusal } from '../../../../services/lib/warehouse/refusal.ts';
import { bookingEventOf } from '../../redshift-loader/memory.ts';

const failed = (where: string, message = 'out of range'): Error =>
  new Error('COPY', { cause: Object.assign(new Error(message), { where, code: '22003' }) });

function file(...bookings: readonly string[]): string {
  const rows = bookings.map((id, index) => {
    const fields = eventFields(bookingEventOf(id, 1), 5);
    assert(fields.kind === 'ok');
    return { line: index + 1, fields: fields.value };
  });
  return csvFile('f', rows).toString();
}
const refusal = (line: number, more: Partial<Refusal> = {}): Refusal => ({ key: 'k', line, reason: 'r', detail: 'd', ...more });
const bookingIs = (text: string, cut = false): Partial<Refusal> => ({ column: 'booking_id', shown: { text, cut } });

describe("Postgres' word on a line that COPY refused", () => {
  it('names line, column, code, message and value, also behind another context', () => {
    const where = 'JSON data, line 1: x\nCOPY load_stage, line 17, column seats: "a ""b\nc"';
    assert.deepEqual(postgresRefusal('k', failed(where)), {
      key: 'k',
      line: 17,
      column: 'seats',
      reason: 'sqlstate 22003',
      detail: 'out of range',
      shown: { text: 'a ""b\nc', cut: false },
    });
  });

  it('knows a value that is cut off, a null, a line as a whole, and one of which nothing is shown', () => {
    const shown = (where: string) => {
      const { column, shown: text } = postgresRefusal('k', failed(where)) ?? {};
      return [column, text];
    };
    assert.deepEqual(shown('COPY t, line 2, column user_id: "abc..."'), ['user_id', { text: 'abc', cut: true }]);
    assert.deepEqual(shown('COPY t, line 2, column user_id: null input'), ['user_id', undefined]);
    assert.deepEqual(shown('COPY t, line 2: "f,1,x"'), [undefined, { text: 'f,1,x', cut: false }]);
    assert.deepEqual(shown('COPY t, line 2'), [undefined, undefined]);
  });

  it('takes no other error for one of a line', () => {
    for (const where of ['SQL statement "COPY t, line 3"  x', 'COPY t, Zeile 3', ''])
      assert.equal(postgresRefusal('k', failed(where)), undefined);
    assert.equal(postgresRefusal('k', new Error('x')), undefined);
    assert.equal(postgresRefusal('k', 'x'), undefined);
  });
});

describe('the row that a refusal means', () => {
  it('is found by number, and the file without it keeps the numbers of the others', () => {
    const csv = file('a', 'b', 'c');
    const found = refusedRow(csv, refusal(2, bookingIs('b')), 'postgres');
    assert.equal(found?.line, 2);
    assert.match(found.text, /^f,2,"b",.*\n$/);
    assert.deepEqual(
      found.rest
        .trimEnd()
        .split('\n')
        .map((line) => fieldsOf(line).slice(0, 3)),
      [
        ['f', '1', 'a'],
        ['f', '3', 'c'],
      ],
    );
  });

  it('is found behind line breaks inside quotes, counted as PostgreSQL does', () => {
    // In the first row carriage returns count, later on line feeds; each text stands there twice, as booking and in the user's name.
    const csv = file('a\nb\r', 'c\nd\re', 'f"",\n', 'g');
    assert.equal(refusedRow(csv, refusal(3, bookingIs('a\nb\r')), 'postgres')?.line, 1);
    assert.equal(refusedRow(csv, refusal(6, bookingIs('c\nd\re')), 'postgres')?.line, 2);
    assert.equal(refusedRow(csv, refusal(9, bookingIs('f"",\n')), 'postgres')?.line, 3);
    assert.equal(refusedRow(csv, refusal(10, bookingIs('g')), 'postgres')?.line, 4);
    assert.equal(refusedRow(csv, refusal(5, bookingIs('c\nd\re')), 'postgres'), undefined, 'the middle of a row');
  });

  it('is none that does not hold what the warehouse showed', () => {
    const csv = file('abc', 'b');
    assert.equal(refusedRow(csv, refusal(2, bookingIs('c')), 'postgres'), undefined);
    assert.equal(refusedRow(csv, refusal(1, bookingIs('ab')), 'postgres'), undefined);
    assert.equal(refusedRow(csv, refusal(1, bookingIs('ab', true)), 'postgres')?.line, 1);
    assert.equal(refusedRow(csv, refusal(2), 'postgres'), undefined, 'nothing shown');
    assert.equal(refusedRow(csv, refusal(2, { column: 'traceparent' }), 'postgres')?.line, 2, 'null input, and null it is');
    assert.equal(refusedRow(csv, refusal(2, { column: 'booking_id' }), 'postgres'), undefined);
    assert.equal(refusedRow(csv, refusal(2, { column: 'other', shown: { text: 'b', cut: false } }), 'postgres'), undefined);
    assert.equal(refusedRow(csv, refusal(1, { shown: { text: 'f,1,"abc"', cut: true } }), 'postgres')?.line, 1);
    assert.equal(refusedRow(csv, refusal(3, bookingIs('b')), 'postgres'), undefined, 'no such line');
  });

  it('is certain on Redshift only while no line break inside quotes came before', () => {
    assert.equal(refusedRow(file('a', 'b'), refusal(2), 'redshift')?.line, 2);
    assert.equal(refusedRow(file('a\nb', 'b'), refusal(2), 'redshift'), undefined);
    assert.equal(refusedRow(file('a', 'b\n', 'c'), refusal(1), 'redshift')?.line, 1);
  });
});

describe("Redshift's word on a line that COPY refused", () => {
  const base = 's3://bucket/prefix';
  const long = (uuid: string): string => `stage/loader/events@1/shard-0/${uuid}/${'1'.repeat(120)}.0-${'2'.repeat(120)}.0.csv.gz`;
  const objects = [
    { key: long('u1'), size: 1, sha256: '' },
    { key: long('u2'), size: 1, sha256: '' },
  ];
  const row = {
    file_name: `${base}/${long('u2')}`.slice(0, 256),
    line_number: '7',
    column_name: 'seats',
    error_code: 1207,
    error_message: 'Invalid digit',
  };

  it('is looked up by file name, of which the view holds 256 characters', () => {
    const sql = loadErrorsSql(base).replace(/\s+/g, ' ');
    assert.equal(
      sql,
      "SELECT TRIM(file_name) AS file_name, line_number, TRIM(column_name) AS column_name, error_code, TRIM(error_message) AS error_message FROM sys_load_error_detail WHERE LEFT(file_name, 25) = 's3://bucket/prefix/stage/' ORDER BY start_time DESC LIMIT 500",
    );
  });

  async function ask(answers: readonly (readonly Record<string, unknown>[])[]) {
    const happened: string[] = [];
    let asked = 0;
    const found = await findRedshiftRefusal(
      {
        database: {
          dialect: 'redshift',
          connect: async () => ({
            dialect: 'redshift',
            query: async () => {
              happened.push('asked');
              return { rows: answers[asked++] ?? [], affected: 0, command: 'SELECT' };
            },
            copyIn: async () => {},
            close: async () => void happened.push('closed'),
          }),
        },
        pause: async (ms) => void happened.push(`${ms}`),
      },
      base,
      objects,
    );
    return { found, happened };
  }

  it('is waited for, in sessions of their own, and not for ever', async () => {
    const { found, happened } = await ask([[], [{ ...row, file_name: 's3://bucket/prefix/stage/another' }], [row]]);
    assert.deepEqual(found, { key: long('u2'), line: 7, column: 'seats', reason: 'redshift 1207', detail: 'Invalid digit' });
    assert.deepEqual(happened, ['asked', 'closed', '2000', 'asked', 'closed', '2000', 'asked', 'closed']);
    const never = await ask([]);
    assert.equal(never.found, undefined);
    assert.equal(never.happened.filter((what) => what === 'asked').length, 10);
  });
});
