import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type StagedRow, StagedRowReader, stagedRows } from '../../../../services/lib/lake/staged-rows.ts';
import { isPlatformError } from '../../../../services/lib/process/errors.ts';
import { eventFields } from '../../../../services/lib/warehouse/csv.ts';
import { timestampText } from '../../../../services/lib/warehouse/sql.ts';
import { bookingEventOf } from '../../redshift-loader/memory.ts';

const mismatch = (error: unknown): boolean => isPlatformError(error, 'WAREHOUSE_MISMATCH');

function readInPieces(text: string, cuts: readonly number[]): StagedRow[] {
  const reader = new StagedRowReader();
  const rows: StagedRow[] = [];
  const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  for (const [i, from] of [0, ...at].entries()) rows.push(...reader.push(text.slice(from, at[i])));
  reader.end();
  return rows;
}

async function readAll(body: Buffer): Promise<StagedRow[]> {
  const rows: StagedRow[] = [];
  for await (const some of stagedRows(body)) rows.push(...some);
  return rows;
}

describe('staged rows', () => {
  // What COPY would choke on comes often.
  const odd = fc.array(fc.oneof(fc.constantFrom('"', '\n', '\r\n', ',', '\\N', '\\', '🎫', '\u2028', ' '), fc.string({ unit: 'binary' })));
  const text = odd
    .map((parts) => Buffer.from(parts.join('').replaceAll('\u0000', ''), 'utf8').toString())
    .filter((value) => value !== '\\N');

  it('are what the stager was given, whatever the texts and wherever the pieces are cut', () => {
    const event = fc.record({
      bookingId: text,
      userId: text,
      traceparent: fc.option(text, { nil: undefined }),
      extra: fc.option(text, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 4 }), fc.array(fc.nat()), (values, cuts) => {
        const events = values.map(({ bookingId, userId, traceparent, extra }, i) => ({
          ...bookingEventOf(bookingId, i, { userId }),
          ...(traceparent === undefined ? {} : { traceparent }),
          ...(extra === undefined ? {} : { extra: { [extra]: extra } }),
        }));
        const csv = events.map((event, i) => {
          const fields = eventFields(event, event.occurredAt + 10);
          assert(fields.kind === 'ok');
          return `file-1,${i + 1},${fields.value}`;
        });
        const expected = events.map((e, i) =>
          [
            ['file-1', String(i + 1), e.bookingId, String(e.version), e.eventId, e.type, e.userId, e.tourId, timestampText(e.occurredAt)],
            [String(e.seats), String(e.amountMinor), e.currency, e.channel, e.source, e.traceparent ?? null],
            [e.extra === undefined ? null : JSON.stringify(e.extra), timestampText(e.occurredAt + 10)],
          ].flat(),
        );
        assert.deepEqual(readInPieces(csv.join(''), cuts), expected);
      }),
      { numRuns: 200 },
    );
  });

  it('come out of a compressed object in many pieces', async () => {
    const line = (n: number): string => `f,${n},"é ""🎫"" \n ${n}",\\N\n`;
    const csv = Array.from({ length: 20_000 }, (_, i) => line(i + 1)).join('');
    const rows = await readAll(gzipSync(csv));
    assert.equal(rows.length, 20_000);
    assert.deepEqual(rows.at(-1), ['f', '20000', 'é "🎫" \n 20000', null]);
    assert.ok(rows.every((row, i) => row[1] === String(i + 1)));
  });

  it('tell null from the empty text', () => {
    assert.deepEqual(new StagedRowReader().push('\\N,"",\n'), [[null, '', '']]);
  });

  it('are refused where the file is cut off, not a staged one, or without an end', async () => {
    const cutOff = new StagedRowReader();
    assert.deepEqual(cutOff.push('1,"a'), []);
    assert.throws(() => cutOff.end(), mismatch);
    assert.throws(() => new StagedRowReader().push('"a"b\n'), mismatch);
    assert.throws(() => new StagedRowReader().push(`"${'x'.repeat(4 * 1_024 * 1_024)}`), mismatch);
    await assert.rejects(readAll(gzipSync('1,"a"\n').subarray(0, -4)), mismatch);
    await assert.rejects(readAll(Buffer.from('1,"a"\n')), mismatch);
  });
});
