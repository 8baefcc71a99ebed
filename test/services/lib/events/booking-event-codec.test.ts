import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { type BookingEvent, eventIdOf } from '../../../../services/lib/events/booking-event.ts';
import { decodeBookingEvent, encodeBookingEvent } from '../../../../services/lib/events/booking-event-codec.ts';
import { anyBytes } from '../../../support/any-bytes.ts';

const arrived = 1_760_000_000_500;
const dayMs = 86_400_000;
const event: BookingEvent = {
  schemaVersion: 1,
  eventId: eventIdOf('b-1', 7, 'cancelled'),
  type: 'cancelled',
  bookingId: 'b-1',
  version: 7,
  userId: 'u-1',
  tourId: 't-1',
  occurredAt: 1_760_000_000_123,
  seats: 2,
  amountMinor: 12_345,
  currency: 'EUR',
  channel: 'web',
  source: 'dynamodb',
};

const decode = (value: unknown, key = 'u-1') => decodeBookingEvent(Buffer.from(JSON.stringify(value)), key, arrived);
const reasonOf = (value: unknown, key?: string): string => {
  const outcome = decode(value, key);
  return outcome.kind === 'deadLetter' ? outcome.reason : outcome.kind;
};

const plainText = (maxLength: number) =>
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: Math.floor(maxLength / 4) })
    .filter((text) => !/[\0\p{Cs}]/u.test(text) && text.length <= maxLength);

/** A parsed `__proto__` is not copied by anything downstream, so no attribute of that name is promised. */
const attributeName = plainText(20).filter((name) => name !== '__proto__');

const anyEvent: fc.Arbitrary<BookingEvent> = fc
  .record(
    {
      schemaVersion: fc.constant(1 as const),
      eventId: fc.stringMatching(/^[0-9a-f]{32}$/),
      type: fc.constantFrom('reserved', 'changed', 'cancelled', 'expired'),
      bookingId: plainText(256),
      version: fc.maxSafeNat(),
      userId: plainText(128),
      tourId: plainText(256),
      occurredAt: fc.integer({ min: 946_684_800_000, max: arrived + dayMs }),
      seats: fc.nat(100_000),
      amountMinor: fc.maxSafeInteger(),
      currency: fc.stringMatching(/^[A-Z]{3}$/),
      channel: plainText(64),
      source: fc.constantFrom('dynamodb', 'partner', 'sdk'),
    },
    { noNullPrototype: true },
  )
  .chain((base) =>
    fc
      .option(fc.dictionary(attributeName, plainText(40), { noNullPrototype: true }), { nil: undefined })
      .map((extra) => (extra ? { ...base, extra } : base)),
  );

describe('BookingEvent on the wire', () => {
  it('comes back as it was, whatever order its fields were given in', () => {
    fc.assert(
      fc.property(anyEvent, (any) => {
        const reversed = Object.fromEntries(Object.entries(any).reverse()) as BookingEvent;
        const bytes = encodeBookingEvent(reversed);
        assert.deepEqual(bytes, encodeBookingEvent(any));
        assert.deepEqual(decodeBookingEvent(bytes, any.userId, arrived), { kind: 'ok', value: any });
      }),
    );
  });

  it('is still read as version 1 wrote it, byte for byte', async () => {
    const sample = Buffer.from((await readFile(new URL('samples/booking-event.v1.ndjson', import.meta.url), 'utf8')).trimEnd());
    const outcome = decodeBookingEvent(sample, 'u-1', arrived);
    assert.equal(outcome.kind, 'ok');
    assert.equal(outcome.value.eventId, eventIdOf('b-1', 7, 'cancelled'));
    assert.deepEqual(outcome.value.extra, { note: 'vor dem Frühstück', tags: ['a', 1, null, true, { deep: 1.5 }] });
    assert.deepEqual(encodeBookingEvent(outcome.value), sample);
  });

  it('carries line separators', () => {
    const separated = { ...event, userId: 'u\u2028\u2029', extra: { note: 'a\u2028b' } };
    assert.deepEqual(decode(separated, 'u\u2028\u2029'), { kind: 'ok', value: separated });
  });

  it('is refused when its key is not its user', () => {
    assert.equal(reasonOf(event, 'u-2'), 'key-mismatch');
  });

  it('is refused with a time before 2000, or more than a day after its arrival, and only then', () => {
    assert.equal(reasonOf({ ...event, occurredAt: 946_684_799_999 }), 'occurred-at-out-of-range');
    assert.equal(reasonOf({ ...event, occurredAt: arrived + dayMs + 1 }), 'occurred-at-out-of-range');
    assert.equal(reasonOf({ ...event, occurredAt: 946_684_800_000 }), 'ok');
    assert.equal(reasonOf({ ...event, occurredAt: arrived + dayMs }), 'ok');
  });

  it('is refused with a field missing, of a wrong type or unknown', () => {
    for (const field of Object.keys(event)) {
      assert.equal(reasonOf({ ...event, [field]: undefined }), 'invalid-event', `without ${field}`);
      assert.equal(reasonOf({ ...event, [field]: [] }), 'invalid-event', `${field}: []`);
    }
    for (const wrong of [
      { seats: 1.5 },
      { seats: '2' },
      { currency: 'eur' },
      { userId: 'u'.repeat(129) },
      { unknown: 1 },
      { version: -1 },
    ]) {
      assert.equal(reasonOf({ ...event, ...wrong }), 'invalid-event', JSON.stringify(wrong).slice(0, 40));
    }
    assert.equal(reasonOf({ ...event, schemaVersion: 2 }), 'unsupported-version');
    for (const other of [null, 1, 'x', [], [event]]) assert.equal(reasonOf(other), 'invalid-event');
  });

  it('is refused with text that no store can keep', () => {
    for (const text of ['\0', 'a\ud800', '\udc00']) {
      assert.equal(reasonOf({ ...event, extra: { note: text } }), 'bad-text');
      assert.equal(reasonOf({ ...event, extra: { [text]: 1 } }), 'bad-text');
    }
  });

  it('is refused with more than 64 KiB of extra', () => {
    const note = (length: number) => ({ ...event, extra: { note: 'x'.repeat(length) } });
    assert.equal(reasonOf(note(65_536 - '{"note":""}'.length)), 'ok');
    assert.equal(reasonOf(note(65_537 - '{"note":""}'.length)), 'extra-too-large');
  });

  it('never throws, whatever the bytes', () => {
    const deep = (open: string, close: string): Buffer => Buffer.from(open.repeat(200_000) + close.repeat(200_000));
    const junk: Record<string, [Buffer, string]> = {
      empty: [Buffer.alloc(0), 'not-json'],
      'a megabyte of zeros': [Buffer.alloc(1_048_576), 'not-json'],
      'a megabyte of 0xff': [Buffer.alloc(1_048_576, 0xff), 'not-utf8'],
      'a byte order mark': [Buffer.concat([Buffer.from('efbbbf', 'hex'), encodeBookingEvent(event)]), 'not-json'],
      'a cut event': [encodeBookingEvent(event).subarray(0, -1), 'not-json'],
      'Latin-1': [Buffer.from('{"userId":"M\u00fcller"}', 'latin1'), 'not-utf8'],
      'deep lists': [deep('[', ']'), 'too-deep'],
      'deep extra': [Buffer.from(`{"extra":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`), 'too-deep'],
    };
    for (const [name, [bytes, reason]] of Object.entries(junk)) {
      const outcome = decodeBookingEvent(bytes, 'u-1', arrived);
      assert.equal(outcome.kind === 'deadLetter' && outcome.reason, reason, name);
    }
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        assert.equal(decodeBookingEvent(bytes, 'u-1', arrived).kind, 'deadLetter');
      }),
    );
  });
});
