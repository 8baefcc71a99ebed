import { createHash } from 'node:crypto';
import { type HashRange, hashKeyOf, inRange } from '../kcl/shards.ts';
import { bytesField, MalformedProtobuf, ProtobufReader, varintField, varintSize, wireBytes, wireVarint } from './protobuf.ts';

/** One record inside an aggregate, or a plain record. */
export interface UserRecord {
  readonly partitionKey: string;
  readonly explicitHashKey?: string;
  readonly data: Buffer;
}

export type Deaggregated =
  | { readonly kind: 'plain'; readonly records: readonly [UserRecord] }
  /** Index in `records` = sub-sequence number. */
  | { readonly kind: 'aggregate'; readonly records: readonly UserRecord[] }
  /** One user record lies outside the shard's range: KCL drops the whole aggregate, and so do all our readers. */
  | { readonly kind: 'stray'; readonly count: number };

/** KPL's format: magic, protobuf AggregatedRecord, MD5 of the protobuf (amazon-kinesis-producer, aggregation-format.md). */
const magic = Buffer.from([0xf3, 0x89, 0x9a, 0xc2]);
const digestLength = 16;

// AggregatedRecord
const partitionKeyTable = 1;
const explicitHashKeyTable = 2;
const recordsField = 3;
// Record
const partitionKeyIndex = 1;
const explicitHashKeyIndex = 2;
const dataField = 3;
const tagsField = 4;
// Tag
const tagKey = 1;

export const looksAggregated = (data: Buffer): boolean => data.subarray(0, magic.length).equals(magic);

const md5 = (data: Buffer): Buffer => createHash('md5').update(data).digest();

/** Where Kinesis puts a record, and KCL expects it: its explicit hash key, else the MD5 of its partition key. */
export function effectiveHashKey(record: Pick<UserRecord, 'partitionKey' | 'explicitHashKey'>): bigint {
  return record.explicitHashKey === undefined ? hashKeyOf(record.partitionKey) : BigInt(record.explicitHashKey);
}

/**
 * Takes one Kinesis record apart exactly as KCL does (KCL: retrieval/AggregatorUtil.java): a wrong magic or MD5, or broken protobuf,
 * is a plain record; one user record outside the shard's range drops the whole aggregate; a record whose index points outside
 * the key tables, or whose hash key is no number, ends the aggregate there: those before it are delivered. (Of a key that is not
 * UTF-8, Java may write another number of U+FFFD.)
 */
export function deaggregate(data: Buffer, partitionKey: string, shardRange: HashRange): Deaggregated {
  const parsed = parseAggregate(data);
  if (parsed === undefined) return { kind: 'plain', records: [{ partitionKey, data }] };
  const records: UserRecord[] = [];
  for (const entry of parsed.entries) {
    const key = parsed.partitionKeys[entry.partitionKeyIndex];
    const explicit = entry.explicitHashKeyIndex === undefined ? undefined : parsed.explicitHashKeys[entry.explicitHashKeyIndex];
    if (key === undefined || (entry.explicitHashKeyIndex !== undefined && !isInteger(explicit))) break;
    const record = { partitionKey: key, data: entry.data, ...(explicit === undefined ? {} : { explicitHashKey: explicit }) };
    if (!inRange(effectiveHashKey(record), shardRange)) return { kind: 'stray', count: parsed.entries.length };
    records.push(record);
  }
  return { kind: 'aggregate', records };
}

// Java's BigInteger takes more digits than ASCII's; a hash key written in others is not known to exist.
const isInteger = (text: string | undefined): boolean => text !== undefined && /^[+-]?\d+$/.test(text);

interface AggregateEntry {
  readonly partitionKeyIndex: number;
  readonly explicitHashKeyIndex: number | undefined;
  readonly data: Buffer;
}

interface ParsedAggregate {
  readonly partitionKeys: readonly string[];
  readonly explicitHashKeys: readonly string[];
  readonly entries: readonly AggregateEntry[];
}

function parseAggregate(data: Buffer): ParsedAggregate | undefined {
  if (data.length <= magic.length + digestLength || !looksAggregated(data)) return undefined;
  const message = data.subarray(magic.length, data.length - digestLength);
  if (!md5(message).equals(data.subarray(data.length - digestLength))) return undefined;
  try {
    return parseMessage(message);
  } catch (error) {
    if (error instanceof MalformedProtobuf) return undefined;
    throw error;
  }
}

function parseMessage(message: Buffer): ParsedAggregate {
  const partitionKeys: string[] = [];
  const explicitHashKeys: string[] = [];
  const entries: AggregateEntry[] = [];
  const reader = new ProtobufReader(message);
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.wire !== wireBytes) reader.skip(field);
    else if (field.number === partitionKeyTable) partitionKeys.push(reader.bytes().toString('utf8'));
    else if (field.number === explicitHashKeyTable) explicitHashKeys.push(reader.bytes().toString('utf8'));
    else if (field.number === recordsField) entries.push(parseRecord(reader.bytes()));
    else reader.skip(field);
  }
  return { partitionKeys, explicitHashKeys, entries };
}

function parseRecord(message: Buffer): AggregateEntry {
  let keyIndex: number | undefined;
  let hashIndex: number | undefined;
  let data: Buffer | undefined;
  const reader = new ProtobufReader(message);
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number === partitionKeyIndex && field.wire === wireVarint) keyIndex = reader.varint();
    else if (field.number === explicitHashKeyIndex && field.wire === wireVarint) hashIndex = reader.varint();
    else if (field.number === dataField && field.wire === wireBytes) data = reader.bytes();
    else if (field.number === tagsField && field.wire === wireBytes) checkTag(reader.bytes());
    else reader.skip(field);
  }
  if (keyIndex === undefined || data === undefined) throw new MalformedProtobuf('a required field is missing');
  return { partitionKeyIndex: keyIndex, explicitHashKeyIndex: hashIndex, data };
}

/** Tags are not used, but Java refuses the whole message when one has no key. */
function checkTag(message: Buffer): void {
  let hasKey = false;
  const reader = new ProtobufReader(message);
  for (let field = reader.next(); field !== undefined; field = reader.next()) {
    if (field.number === tagKey && field.wire === wireBytes) hasKey = true;
    reader.skip(field);
  }
  if (!hasKey) throw new MalformedProtobuf('a tag has no key');
}

/** Most bytes one user record can add to an aggregate: its record, and its keys as if no other record shared them. */
export function aggregatedSize(record: UserRecord): number {
  const widestIndex = 1 + 4;
  const field = (length: number): number => 1 + varintSize(length) + length;
  const key = field(Buffer.byteLength(record.partitionKey));
  const hash = record.explicitHashKey === undefined ? 0 : field(record.explicitHashKey.length) + widestIndex;
  return key + hash + field(widestIndex + (hash === 0 ? 0 : widestIndex) + field(record.data.length));
}

/** Bytes of an aggregate beyond those of its records. */
export const aggregateOverhead = magic.length + digestLength;

/** The records in order as one Kinesis record's data. Whoever puts it must know one shard that holds all their hash keys. */
export function aggregate(records: readonly UserRecord[]): Buffer {
  const keys = new Map<string, number>();
  const hashes = new Map<string, number>();
  const indexOf = (table: Map<string, number>, text: string): number => {
    const known = table.get(text);
    if (known !== undefined) return known;
    table.set(text, table.size);
    return table.size - 1;
  };
  const entries = records.flatMap((record) => {
    const parts = varintField(partitionKeyIndex, indexOf(keys, record.partitionKey));
    if (record.explicitHashKey !== undefined) parts.push(...varintField(explicitHashKeyIndex, indexOf(hashes, record.explicitHashKey)));
    return bytesField(recordsField, Buffer.concat([...parts, ...bytesField(dataField, record.data)]));
  });
  const message = Buffer.concat([
    ...[...keys.keys()].flatMap((key) => bytesField(partitionKeyTable, Buffer.from(key, 'utf8'))),
    ...[...hashes.keys()].flatMap((hash) => bytesField(explicitHashKeyTable, Buffer.from(hash, 'utf8'))),
    ...entries,
  ]);
  return Buffer.concat([magic, message, md5(message)]);
}
