import { createHash } from 'node:crypto';
import { type AttributeValue, type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { storedAlertOf } from '../../services/lib/alerts/stored-alert.ts';
import { decodeDeadLetter } from '../../services/lib/deadletter/format.ts';
import { decodeBookingEvent } from '../../services/lib/events/booking-event-codec.ts';
import { type Position, trimHorizon } from '../../services/lib/kcl/position.ts';
import type { StreamRecord } from '../../services/lib/kcl/processor.ts';
import { readShard } from '../../services/lib/kcl/shard-reader.ts';
import { listShards, type Shard } from '../../services/lib/kcl/shards.ts';
import type { ObjectStore } from '../../services/lib/objects/object-store.ts';
import { type BrokenRecord, type FoundAlert, type FoundDeadLetter, type LockingAlert, positionKey, type SourceRecord } from './evidence.ts';
import type { OracleShard } from './naive-alerts.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

interface StreamRead {
  readonly kinesis: KinesisClient;
  readonly streamName: string;
  readonly signal: AbortSignal;
}

/** All that lies on a stream now, shard by shard, parents before children (a child's id is always the higher one). */
async function readStream(read: StreamRead, onRecord: (shard: Shard, record: StreamRecord) => void): Promise<readonly Shard[]> {
  const shards = await listShards(read.kinesis, read.streamName);
  await Promise.all(
    shards.map(async (shard) => {
      for await (const batch of readShard({ ...read, shard, after: trimHorizon, upTo: 'tip' })) {
        for (const record of batch) onRecord(shard, record);
      }
    }),
  );
  return shards;
}

/** The change stream's records; each is put plain, so a record is a position. */
export async function readSource(read: StreamRead): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  await readStream(read, ({ shardId }, record) => {
    records.push({ shardId, sequenceNumber: record.sequenceNumber, sha256: sha256(record.data) });
  });
  return records;
}

/** When Kinesis took each record that was put plain, epoch ms, by its position. */
export async function readArrivals(read: StreamRead): Promise<Map<string, number>> {
  const arrivals = new Map<string, number>();
  await readStream(read, ({ shardId }, { sequenceNumber, approximateArrivalTimestamp: arrivedAt }) => {
    arrivals.set(positionKey(read.streamName, { shardId, sequenceNumber }), arrivedAt);
  });
  return arrivals;
}

export interface RoutedStream {
  readonly shards: readonly OracleShard[];
  readonly broken: readonly BrokenRecord[];
  /** Per shard the last record that was read; what every consumer must have passed. */
  readonly heads: ReadonlyMap<string, Position>;
}

/** What every consumer behind the router reads: valid events for the oracle, and apart from them what breaks the contract. */
export async function readRouted(read: StreamRead): Promise<RoutedStream> {
  const byShard = new Map<string, OracleShard['records'][number][]>();
  const broken: BrokenRecord[] = [];
  const heads = new Map<string, Position>();
  const shards = await readStream(read, ({ shardId }, record) => {
    const { data, partitionKey, approximateArrivalTimestamp: arrival, sequenceNumber, subSequenceNumber } = record;
    const event = decodeBookingEvent(data, partitionKey, arrival);
    const records = byShard.get(shardId) ?? [];
    if (event.kind === 'ok') records.push({ event: event.value, arrival });
    else broken.push({ shardId, sequenceNumber, subSequenceNumber, sha256: sha256(data) });
    byShard.set(shardId, records);
    heads.set(shardId, record.position);
  });
  return {
    shards: shards.map(({ shardId, parents, range }) => ({ shardId, parents, range, records: byShard.get(shardId) ?? [] })),
    broken,
    heads,
  };
}

/** Throws when an object among the dead letters is not one. */
export async function readDeadLetters(store: ObjectStore): Promise<FoundDeadLetter[]> {
  const letters: FoundDeadLetter[] = [];
  for await (const { key } of store.list('deadletter/')) {
    const letter = decodeDeadLetter(await store.read(key));
    if (letter.kind !== 'ok') throw new Error(`${key} is not a dead letter`);
    const { service, stream, shard: shardId, sequenceNumber, subSequenceNumber, reason, data } = letter.value;
    letters.push({ service, stream, shardId, sequenceNumber, subSequenceNumber, reason, sha256: sha256(data) });
  }
  return letters;
}

export async function readAlerts(
  dynamo: DynamoDBClient,
  table: string,
): Promise<{ readonly alerts: FoundAlert[]; readonly pending: number }> {
  const alerts: FoundAlert[] = [];
  let pending = 0;
  for await (const page of paginateScan({ client: dynamo }, { TableName: table, ConsistentRead: true })) {
    for (const item of page.Items ?? []) {
      alerts.push(foundAlert(item));
      if (item['pending'] !== undefined) pending++;
    }
  }
  return { alerts, pending };
}

/** On which alerts account-guard acted, from what it keeps of each. */
export async function readLockingAlerts(dynamo: DynamoDBClient, table: string): Promise<LockingAlert[]> {
  const found: LockingAlert[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: table, ConsistentRead: true })) {
    for (const { item, alertId, userId } of Items) {
      if (item?.S?.startsWith('alert#')) found.push({ alertId: alertId?.S ?? '', userId: userId?.S ?? '' });
    }
  }
  return found;
}

function foundAlert(item: Readonly<Record<string, AttributeValue>>): FoundAlert {
  const { alert, action, warming = false } = storedAlertOf(item);
  const text = (name: string): string => item[name]?.S ?? '';
  const number = (name: string): number => Number(item[name]?.N);
  const columns = {
    alertId: text('alertId'),
    ruleId: text('ruleId'),
    ruleVersion: number('ruleVersion'),
    mode: text('mode'),
    severity: text('severity'),
    key: text('key'),
    at: number('at'),
  };
  return { alert, action, warming, columns };
}
