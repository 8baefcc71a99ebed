import type { ChangeRecord } from './change-record.ts';
import type { Random } from './random.ts';

/** Ways a record can be broken; each must become a dead letter with its bytes kept. */
export const malformedKinds = [
  'cut-off', // JSON that ends too early
  'cut-off-u2028', // the same, with a raw U+2028 inside
  'missing-field',
  'wrong-type',
  'no-image',
  'wrong-envelope',
  'nested', // valid JSON, 20,000 arrays deep
  'not-utf8',
  'before-2000', // a clock that was never set
  'empty',
  'junk-1mb', // as large as a stream takes
] as const;
export type MalformedKind = (typeof malformedKinds)[number];

const maxRecordBytes = 1_048_576; // Kinesis: data and partition key together, unless the stream's limit is raised
const nestingDepth = 20_000;

/** Breaks a good record. */
export function malform(kind: MalformedKind, record: ChangeRecord, partitionKey: string, random: Random): Buffer {
  const text = JSON.stringify(record);
  const image = record.dynamodb.NewImage ?? record.dynamodb.OldImage ?? {};
  const withImage = (change: Record<string, unknown>): Buffer =>
    json({ ...record, dynamodb: { ...record.dynamodb, NewImage: { ...image, ...change } }, eventName: 'INSERT' });
  switch (kind) {
    case 'cut-off':
      return Buffer.from(text.slice(0, random.integer(1, text.length - 1)).replaceAll('\u2028', ' '));
    case 'cut-off-u2028':
      return Buffer.from(`{"note":"\u2028","image":${text.slice(0, -1)}`);
    case 'missing-field':
      return withImage({ [random.pick(['userId', 'tourId', 'currency'])]: undefined });
    case 'wrong-type':
      return withImage(
        random.pick([{ amountMinor: { BOOL: true } }, { seats: { S: 'two' } }, { userId: { L: [] } }, { version: { N: 'x' } }]),
      );
    case 'no-image':
      return json({ ...record, eventName: 'INSERT', dynamodb: { ...record.dynamodb, NewImage: undefined, OldImage: undefined } });
    case 'wrong-envelope':
      return json({ version: '0', 'detail-type': 'Booking changed', source: 'bookings', detail: { id: record.eventID } });
    case 'nested':
      return Buffer.from('['.repeat(nestingDepth) + ']'.repeat(nestingDepth));
    case 'not-utf8':
      return Buffer.concat([Buffer.from(text.slice(0, 40)), Buffer.from([0xff, 0xfe, 0xc3, 0x28]), Buffer.from(text.slice(40))]);
    case 'before-2000':
      return withImage({ updatedAt: { N: '1000' } });
    case 'empty':
      return Buffer.alloc(0);
    case 'junk-1mb':
      return junk(maxRecordBytes - Buffer.byteLength(partitionKey), random);
  }
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function junk(bytes: number, random: Random): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let i = 0; i + 4 <= bytes; i += 4) buffer.writeUInt32LE(random.integer(0, 0xffff_ffff), i);
  buffer[0] = 0xf7; // never the first byte of JSON, UTF-8 or an aggregate
  return buffer;
}
