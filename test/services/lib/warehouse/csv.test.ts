import assert from 'node:assert/strict';
import fc from 'fast-check';
import { csvFile, eventFields, maxNesting, nullField } from '../../../../services/lib/warehouse/csv.ts';
import { bookingEvent, columnNames } from '../../../../services/lib/warehouse/model.ts';
import { bookingEventOf } from '../../redshift-loader/memory.ts';

/** A CSV reader of its own: null for the bare marker, a text for everything else (RFC 4180 quoting). */
function parseCsv(csv: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (let at = 0; at < csv.length; ) {
    let field: string | null = '';
    if (csv[at] === '"') {
      at++;
      for (;;) {
        const quote = csv.indexOf('"', at);
        assert(quote >= 0, 'an unclosed quote');
        field += csv.slice(at, quote);
        at = quote + 1;
        if (csv[at] !== '"') break;
        field += '"';
        at++;
      }
    } else {
      const end = csv.slice(at).search(/[,\n]/);
      field = csv.slice(at, at + end);
      at += end;
      if (field === nullField) field = null;
    }
    row.push(field);
    if (csv[at] === '\n') {
      rows.push(row);
      row = [];
    } else assert.equal(csv[at], ',');
    at++;
  }
  assert.deepEqual(row, []);
  return rows;
}

function roundTrip(event: Parameters<typeof eventFields>[0]): Record<string, string | null> {
  const fields = eventFields(event, Date.UTC(2026, 0, 2, 3, 4, 5, 6));
  assert(fields.kind === 'ok');
  const [row, ...rest] = parseCsv(csvFile('file-1', [{ line: 1, fields: fields.value }]).toString('utf8'));
  assert.deepEqual(rest, []);
  const names = columnNames(bookingEvent);
  assert.equal(row?.length, names.length);
  return Object.fromEntries(names.map((name, i) => [name, row?.[i] ?? null]));
}

describe('staged CSV', () => {
  it('keeps quotes, line breaks, commas, U+2028 and letters of any script as they are', () => {
    const odd = 'a"b""c,\r\nd\u2028e é 漢 🎫 \\n';
    const row = roundTrip(bookingEventOf(odd, 1, { userId: odd, channel: odd }));
    assert.deepEqual([row['booking_id'], row['user_id'], row['channel']], [odd, odd, odd]);
  });

  it('has every column in its place, times in UTC with milliseconds', () => {
    const row = roundTrip(bookingEventOf('b1', 7, { occurredAt: Date.UTC(2026, 1, 3, 4, 5, 6, 78), traceparent: '00-ab' }));
    assert.equal(row['file_id'], 'file-1');
    assert.equal(row['line'], '1');
    assert.equal(row['version'], '7');
    assert.equal(row['occurred_at'], '2026-02-03 04:05:06.078');
    assert.equal(row['arrived_at'], '2026-01-02 03:04:05.006');
    assert.equal(row['amount_minor'], '12900');
    assert.equal(row['traceparent'], '00-ab');
  });

  it('tells null from the empty text', () => {
    assert.equal(roundTrip(bookingEventOf('b', 1))['traceparent'], null);
    assert.equal(roundTrip(bookingEventOf('b', 1, { traceparent: '' }))['traceparent'], '');
    assert.equal(roundTrip(bookingEventOf('b', 1))['extra'], null);
    assert.equal(roundTrip(bookingEventOf('b', 1, { extra: {} }))['extra'], '{}');
  });

  it('replaces what no warehouse text can hold: NUL, lone surrogates, a value that spells the null marker', () => {
    const row = roundTrip(bookingEventOf('b', 1, { userId: 'a\u0000b', tourId: 'x\ud800y', channel: nullField }));
    assert.deepEqual([row['user_id'], row['tour_id'], row['channel']], ['a\uFFFDb', 'x\uFFFDy', '\uFFFDN']);
  });

  it('replaces NUL and lone surrogates inside extra, in keys too, and nothing that only looks like them', () => {
    const extra = { 'k\u0000': 'v\u0000', lone: '\udfff', pair: '🎫', literal: '\\u0000 \\ud800', quote: '"\n\u2028' };
    const row = roundTrip(bookingEventOf('b', 1, { extra }));
    assert.deepEqual(JSON.parse(row['extra'] ?? ''), {
      'k\uFFFD': 'v\uFFFD',
      lone: '\uFFFD',
      pair: '🎫',
      literal: '\\u0000 \\ud800',
      quote: '"\n\u2028',
    });
  });

  it('gives up an event whose extra nests deeper than a warehouse takes, and counts no bracket inside a text', () => {
    const nested = (depth: number): never => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as never;
    assert.equal(eventFields(bookingEventOf('b', 1, { extra: { a: nested(maxNesting - 1) } }), 0).kind, 'ok');
    const tooDeep = eventFields(bookingEventOf('b', 1, { extra: { a: nested(maxNesting) } }), 0);
    assert(tooDeep.kind === 'deadLetter' && tooDeep.reason === 'unloadable');
    assert.equal(eventFields(bookingEventOf('b', 1, { extra: { a: '"[{'.repeat(maxNesting) } }), 0).kind, 'ok');
  });

  it('reads back any text that holds neither NUL nor a lone surrogate', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.jsonValue(), (given, value) => {
        const clean = given.replaceAll('\u0000', 'x').replaceAll(nullField, 'x');
        const row = roundTrip(bookingEventOf('b', 1, { userId: clean, extra: { value: value as never } }));
        assert.equal(row['user_id'], clean);
        const text = JSON.stringify({ value });
        if (!/\\u(0000|d[89a-f])/.test(text)) assert.deepEqual(JSON.parse(row['extra'] ?? ''), JSON.parse(text));
      }),
      { numRuns: 40 },
    );
  });

  it('numbers the lines of a file from 1', () => {
    const fields = eventFields(bookingEventOf('b', 1), 0);
    assert(fields.kind === 'ok');
    const rows = parseCsv(
      csvFile(
        'f',
        [1, 3].map((line) => ({ line, fields: fields.value })),
      ).toString(),
    );
    assert.deepEqual(
      rows.map((row) => row.slice(0, 2)),
      [
        ['f', '1'],
        ['f', '3'],
      ],
    );
  });
});
