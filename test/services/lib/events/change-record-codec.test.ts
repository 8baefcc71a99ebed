import assert from 'node:assert/strict';
import fc from 'fast-check';
import { eventIdOf } from '../../../../services/lib/events/booking-event.ts';
import { type ChangeRecordOptions, decodeChangeRecord, defaultItemNames } from '../../../../services/lib/events/change-record-codec.ts';
import { anyBytes } from '../../../support/any-bytes.ts';

const changedAtMicros = 1_760_000_000_123_456;
const arrived = 1_760_000_001_000;
const dayMs = 86_400_000;

type Image = Record<string, unknown>;
const item: Image = {
  bookingId: { S: 'b-1' },
  userId: { S: 'u-1' },
  tourId: { S: 't-1' },
  status: { S: 'CONFIRMED' },
  version: { N: '7' },
  updatedAt: { N: '1760000000000' },
  seats: { N: '2' },
  amountMinor: { N: '12345' },
  currency: { S: 'EUR' },
  channel: { S: 'web' },
};
const without = (image: Image, ...names: string[]): Image =>
  Object.fromEntries(Object.entries(image).filter(([name]) => !names.includes(name)));

/** A record as the streaming destination writes it; `undefined` leaves a part out. */
function record(eventName: string, parts: { before?: Image; after?: Image; envelope?: object; stream?: object }): object {
  return {
    awsRegion: 'us-east-1',
    eventID: '1d2c0cf2-5a2b-4c1e-9a55-0f1c7a4b0a3d',
    eventName,
    userIdentity: null,
    recordFormat: 'application/json',
    tableName: 'bookings',
    dynamodb: {
      ApproximateCreationDateTime: changedAtMicros,
      Keys: { bookingId: { S: 'b-1' } },
      NewImage: parts.after,
      OldImage: parts.before,
      SizeBytes: 300,
      ApproximateCreationDateTimePrecision: 'MICROSECOND',
      ...parts.stream,
    },
    eventSource: 'aws:dynamodb',
    ...parts.envelope,
  };
}

const decode = (value: unknown, options?: ChangeRecordOptions) => decodeChangeRecord(Buffer.from(JSON.stringify(value)), arrived, options);

function eventOf(value: unknown, options?: ChangeRecordOptions) {
  const outcome = decode(value, options);
  assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
  return outcome.value;
}

function reasonOf(value: unknown, options?: ChangeRecordOptions): string {
  const outcome = decode(value, options);
  return outcome.kind === 'ok' ? `ok ${outcome.value.type}` : `${outcome.kind} ${outcome.reason}`;
}

const modify = (before: Image, after: Image): object => record('MODIFY', { before: { ...item, ...before }, after: { ...item, ...after } });
const expiry = { userIdentity: { type: 'Service', principalId: 'dynamodb.amazonaws.com' } };
const cancelled = { status: { S: 'CANCELLED' } };

describe('DynamoDB change record', () => {
  it('of an insert is a reservation with every field of the item', () => {
    assert.deepEqual(eventOf(record('INSERT', { after: item })), {
      schemaVersion: 1,
      eventId: eventIdOf('b-1', 7, 'reserved'),
      type: 'reserved',
      bookingId: 'b-1',
      version: 7,
      userId: 'u-1',
      tourId: 't-1',
      occurredAt: 1_760_000_000_000,
      seats: 2,
      amountMinor: 12_345,
      currency: 'EUR',
      channel: 'web',
      source: 'dynamodb',
    });
  });

  it('of a modification is a cancellation only when the status becomes CANCELLED', () => {
    assert.equal(reasonOf(modify({}, cancelled)), 'ok cancelled');
    assert.equal(reasonOf(modify(cancelled, {})), 'ok changed');
    assert.equal(reasonOf(modify(cancelled, { ...cancelled, seats: { N: '3' } })), 'ok changed');
    assert.equal(reasonOf(modify({}, { status: { S: 'PAID' } })), 'ok changed');
  });

  it('of a modification of nothing that an event shows is dropped', () => {
    assert.equal(reasonOf(modify({}, {})), 'drop no-op');
    assert.equal(reasonOf(modify({ note: { S: 'a' } }, { note: { S: 'b' } })), 'drop no-op');
    for (const name of ['userId', 'tourId', 'status', 'version', 'updatedAt', 'seats', 'amountMinor', 'currency', 'channel']) {
      const before = name === 'currency' ? 'USD' : '1';
      assert.equal(reasonOf(modify({ [name]: { S: before } }, {})), 'ok changed', name);
    }
  });

  it('of a removal is an expiry by time to live, else a cancellation unless it was one already', () => {
    assert.equal(reasonOf(record('REMOVE', { before: item })), 'ok cancelled');
    assert.equal(reasonOf(record('REMOVE', { before: { ...item, ...cancelled } })), 'drop already-cancelled');
    assert.equal(reasonOf(record('REMOVE', { before: item, envelope: expiry })), 'ok expired');
    const somebody = { userIdentity: { type: 'Service', principalId: 'lambda.amazonaws.com' } };
    assert.equal(reasonOf(record('REMOVE', { before: item, envelope: somebody })), 'ok cancelled');
  });

  it('of a removal is a version beyond the item that is gone, at the time of the removal', () => {
    const removed = eventOf(record('REMOVE', { before: item }));
    assert.deepEqual([removed.version, removed.occurredAt], [8, 1_760_000_000_123]);
    assert.equal(removed.eventId, eventIdOf('b-1', 8, 'cancelled'));
    const unnamed = { ApproximateCreationDateTimePrecision: undefined };
    assert.equal(eventOf(record('REMOVE', { before: item, stream: unnamed })).occurredAt, 1_760_000_000_000);
  });

  it('without the image that its change needs is a dead letter', () => {
    assert.equal(reasonOf(record('INSERT', { before: item })), 'deadLetter missing-image');
    assert.equal(reasonOf(record('MODIFY', { after: item })), 'deadLetter missing-image');
    assert.equal(reasonOf(record('MODIFY', { before: item })), 'deadLetter missing-image');
    assert.equal(reasonOf(record('REMOVE', { after: item })), 'deadLetter missing-image');
  });

  it('falls back to the time of the change, in the unit that the record names', () => {
    const bare = without(item, 'version', 'updatedAt');
    const inMicros = eventOf(record('INSERT', { after: bare }));
    assert.deepEqual([inMicros.version, inMicros.occurredAt], [1_760_000_000_123_456, 1_760_000_000_123]);
    assert.equal(inMicros.eventId, eventIdOf('b-1', 1_760_000_000_123_456, 'reserved'));
    const millis = { ApproximateCreationDateTime: 1_760_000_000_123, ApproximateCreationDateTimePrecision: 'MILLISECOND' };
    const inMillis = eventOf(record('INSERT', { after: bare, stream: millis }));
    assert.deepEqual([inMillis.version, inMillis.occurredAt], [1_760_000_000_123_000, 1_760_000_000_123]);
  });

  it('does not guess a unit that the record does not name', () => {
    const unnamed = { ApproximateCreationDateTimePrecision: undefined };
    assert.equal(reasonOf(record('INSERT', { after: without(item, 'version'), stream: unnamed })), 'deadLetter no-time');
    assert.equal(reasonOf(record('INSERT', { after: without(item, 'updatedAt'), stream: unnamed })), 'deadLetter no-time');
    assert.equal(reasonOf(record('INSERT', { after: item, stream: unnamed })), 'ok reserved');
    assert.equal(
      reasonOf(record('INSERT', { after: item, stream: { ApproximateCreationDateTimePrecision: 'SECOND' } })),
      'deadLetter not-a-change-record',
    );
  });

  it('reads an updatedAt in ISO 8601', () => {
    const iso = { ...item, updatedAt: { S: '2025-10-09T08:53:20.250+00:00' } };
    assert.equal(eventOf(record('INSERT', { after: iso })).occurredAt, 1_760_000_000_250);
    assert.equal(reasonOf(record('INSERT', { after: { ...item, updatedAt: { S: 'yesterday' } } })), 'deadLetter invalid-event');
  });

  it('with a time before 2000 or more than a day ahead is a dead letter', () => {
    const at = (ms: number) => reasonOf(record('INSERT', { after: { ...item, updatedAt: { N: String(ms) } } }));
    assert.equal(at(arrived + dayMs), 'ok reserved');
    assert.equal(at(arrived + dayMs + 1), 'deadLetter occurred-at-out-of-range');
    assert.equal(at(946_684_799_999), 'deadLetter occurred-at-out-of-range');
    assert.equal(at(1_760_000_000), 'deadLetter occurred-at-out-of-range');
  });

  it('with a field missing or of a wrong type is a dead letter', () => {
    for (const name of ['userId', 'tourId', 'seats', 'amountMinor', 'currency', 'channel']) {
      assert.equal(reasonOf(record('INSERT', { after: without(item, name) })), 'deadLetter missing-field', name);
      assert.equal(reasonOf(record('INSERT', { after: { ...item, [name]: { BOOL: true } } })), 'deadLetter invalid-event', name);
    }
    for (const wrong of [
      { seats: { S: '2' } },
      { version: { S: '7' } },
      { version: { N: '7.5' } },
      { userId: { S: '' } },
      { userId: { NULL: true } },
    ]) {
      assert.equal(reasonOf(record('INSERT', { after: { ...item, ...wrong } })), 'deadLetter invalid-event', JSON.stringify(wrong));
    }
    for (const wrong of [
      { seats: { N: 2 } },
      { seats: 2 },
      { seats: {} },
      { seats: { N: '1', S: '1' } },
      { seats: { X: '1' } },
      { note: { SS: [1] } },
    ]) {
      assert.equal(reasonOf(record('INSERT', { after: { ...item, ...wrong } })), 'deadLetter invalid-attribute', JSON.stringify(wrong));
    }
    for (const other of [null, [], {}, { eventName: 'INSERT' }, record('UPDATE', { after: item })]) {
      assert.equal(reasonOf(other), 'deadLetter not-a-change-record');
    }
  });

  it('keeps attributes it does not know in extra, as plain JSON', () => {
    const typed = {
      note: { S: 'a\u2028b' },
      rate: { N: '19.90' },
      big: { N: '123456789012345678901234567890' },
      tiny: { N: '1E-130' },
      flag: { BOOL: false },
      nothing: { NULL: true },
      raw: { B: 'AAEC' },
      words: { SS: ['x', 'y'] },
      numbers: { NS: ['1', '2.5'] },
      list: { L: [{ N: '1' }, { M: { deep: { S: 'z' } } }] },
    };
    assert.deepEqual(eventOf(record('INSERT', { after: { ...item, ...typed } })).extra, {
      note: 'a\u2028b',
      rate: 19.9,
      big: '123456789012345678901234567890',
      tiny: 1e-130,
      flag: false,
      nothing: null,
      raw: 'AAEC',
      words: ['x', 'y'],
      numbers: [1, 2.5],
      list: [1, { deep: 'z' }],
    });
  });

  it('hands a trace context on, and leaves anything else of that name in extra', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const traced = eventOf(record('INSERT', { after: { ...item, traceparent: { S: traceparent } } }));
    assert.deepEqual([traced.traceparent, traced.extra], [traceparent, undefined]);
    const other = eventOf(record('INSERT', { after: { ...item, traceparent: { N: '1' } } }));
    assert.deepEqual([other.traceparent, other.extra], [undefined, { traceparent: 1 }]);
  });

  it('keeps an original by reference when its unknown attributes exceed 64 KiB', () => {
    const large = record('INSERT', { after: { ...item, note: { S: 'x'.repeat(65_536) } } });
    assert.equal(reasonOf(large), 'deadLetter extra-too-large');
    const kept: Buffer[] = [];
    const keepOriginal = (data: Buffer): string => `originals/${kept.push(data)}`;
    assert.deepEqual(eventOf(large, { keepOriginal }).extra, { originalRef: 'originals/1' });
    assert.deepEqual(kept, [Buffer.from(JSON.stringify(large))]);
    const small = record('INSERT', { after: { ...item, note: { S: 'x'.repeat(65_536 - '{"note":""}'.length) } } });
    assert.equal(Object.keys(eventOf(small, { keepOriginal }).extra ?? {})[0], 'note');
    const invalid = record('INSERT', { after: { ...item, seats: { N: '-1' }, note: { S: 'x'.repeat(65_536) } } });
    assert.equal(reasonOf(invalid, { keepOriginal }), 'deadLetter invalid-event');
    assert.equal(kept.length, 1);
  });

  it('reads items that name their attributes otherwise', () => {
    const names = { ...defaultItemNames, userId: 'customer', status: 'state' };
    const { userId, status, ...rest } = item;
    const renamed = { ...rest, customer: userId, state: status };
    const options = { names, cancelledStatus: 'STORNO' };
    assert.equal(eventOf(record('INSERT', { after: renamed }), options).userId, 'u-1');
    const change = record('MODIFY', { before: renamed, after: { ...renamed, state: { S: 'STORNO' } } });
    assert.equal(eventOf(change, options).type, 'cancelled');
  });

  it('takes ids that the table keeps as numbers', () => {
    const numeric = { ...item, bookingId: { N: '42' }, userId: { N: '17' } };
    const event = eventOf(record('INSERT', { after: numeric, stream: { Keys: { bookingId: { N: '42' } } } }));
    assert.deepEqual([event.bookingId, event.userId, event.eventId], ['42', '17', eventIdOf('42', 7, 'reserved')]);
  });

  it('gives one change the same id through any repeat', () => {
    const change = modify({}, cancelled);
    const again = { ...change, eventID: 'another', awsRegion: 'eu-central-1' };
    assert.equal(eventOf(change).eventId, eventOf(again).eventId);
  });

  it('never throws, whatever the bytes', () => {
    const attribute = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.record({ S: fc.string({ unit: 'binary' }) }),
        fc.record({ N: fc.oneof(fc.double().map(String), fc.string(), fc.integer()) }),
        fc.record({ BOOL: fc.anything() }),
        fc.record({ NULL: fc.anything() }),
        fc.record({ L: fc.array(tie('value')) }),
        fc.record({ M: fc.dictionary(fc.string(), tie('value')) }),
        fc.record({ NS: fc.array(fc.string()) }),
        fc.jsonValue(),
      ),
    })).value;
    const name = fc.oneof(fc.constantFrom(...Object.values(defaultItemNames), '__proto__', 'constructor'), fc.string());
    const image = fc.dictionary(name, attribute).map((wild) => ({ ...item, ...wild }));
    const wild = fc
      .tuple(
        fc.constantFrom('INSERT', 'MODIFY', 'REMOVE', 'x'),
        fc.option(image, { nil: undefined }),
        fc.option(image, { nil: undefined }),
        fc.jsonValue(),
      )
      .map(([eventName, before, after, time]) =>
        record(eventName, { ...(before && { before }), ...(after && { after }), stream: { ApproximateCreationDateTime: time } }),
      );
    fc.assert(
      fc.property(wild, (value) => {
        const outcome = decode(value);
        if (outcome.kind === 'ok')
          assert.equal(outcome.value.eventId, eventIdOf(outcome.value.bookingId, outcome.value.version, outcome.value.type));
      }),
      { numRuns: 400 },
    );
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        assert.equal(decodeChangeRecord(bytes, arrived).kind, 'deadLetter');
      }),
    );
    assert.equal(decodeChangeRecord(Buffer.alloc(1_048_576, 0x7b), arrived).kind, 'deadLetter');
  });
});
