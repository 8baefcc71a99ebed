import assert from 'node:assert/strict';
import { eventProblem } from '../../../scripts/backtest/event-problem.ts';
import { bookingEvent } from '../../oracle/scenario.ts';

const whole: Readonly<Record<string, unknown>> = bookingEvent({ bookingId: 'b-1' });
const text = (of: unknown): string | undefined => eventProblem(Buffer.from(JSON.stringify(of)))?.text;

describe('a line that is no event', () => {
  it('is told field by field: what was expected, and what stands there', () => {
    for (const [of, told] of [
      [{ schemaVersion: 2 }, 'schemaVersion: expected 1, got 2'],
      [{ type: 'gone' }, 'type: expected one of reserved, changed, cancelled, expired, got "gone"'],
      [{ version: '3' }, 'version: expected a number (rises with every change of the booking), got "3"'],
      [{ userId: '' }, 'userId: expected at least 1 character, got ""'],
      [{ tourId: 'x'.repeat(257) }, `tourId: expected at most 256 characters, got "${'x'.repeat(58)}…`],
      [{ occurredAt: 1_790_000_000 }, 'occurredAt: expected at least 946,684,800,000 (epoch ms, UTC), got 1790000000'],
      [{ seats: 1.5 }, 'seats: expected a whole number, got 1.5'],
      [{ currency: 'eur' }, 'currency: expected a text of the form /^[A-Z]{3}$/ (ISO 4217), got "eur"'],
      [{ colour: 1, 'odd name': 2 }, 'unknown fields colour, "odd name"'],
      [{ channel: undefined, source: undefined }, 'missing channel, source'],
    ] as const) {
      assert.equal(text({ ...whole, ...of }), told);
    }
    assert.equal(text([1]), 'expected a JSON object, got a list of 1');
    assert.equal(text(null), 'expected a JSON object, got null');
  });

  it('is told in one line of bounded length, whatever is wrong with it', () => {
    const wrong = Object.fromEntries(Object.keys(whole).map((name) => [name, ['\n'.repeat(5_000)]]));
    const odd = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`${'n'.repeat(900)}\n${i}`, 1]));
    const told = text({ ...wrong, ...odd }) ?? '';
    assert.match(told, /; and 10 more$/);
    assert.ok(told.length < 1_000 && !told.includes('\n'), told);
  });

  it('has the same kind when the same fields are at fault', () => {
    const kind = (of: object) => eventProblem(Buffer.from(JSON.stringify({ ...whole, ...of })))?.kind;
    assert.equal(kind({ seats: -1 }), kind({ seats: 'many' }));
    assert.notEqual(kind({ seats: -1 }), kind({ amountMinor: '1' }));
  });

  it('is left to the decoder when it is no JSON, or breaks no field of the contract', () => {
    assert.equal(eventProblem(Buffer.from('{"a":')), undefined);
    assert.equal(text(whole), undefined);
  });
});
