import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { comparePositions, type Position, position, sequenceOf, trimHorizon } from '../../services/lib/kcl/position.ts';
import type { Shard } from '../../services/lib/kcl/shards.ts';
import type { Database } from '../../services/lib/warehouse/database.ts';
import type { SentRecord } from '../generate/send-log.ts';

/** Per shard, how far one consumer is. */
export type Reached = ReadonlyMap<string, Position>;

/** The last record that was put, per shard. */
export function headsOf(log: readonly SentRecord[], stream: string): Map<string, Position> {
  const heads = new Map<string, Position>();
  for (const sent of log) {
    if (sent.stream !== stream) continue;
    const at = position(sent.sequenceNumber);
    const known = heads.get(sent.shardId);
    if (known === undefined || comparePositions(at, known) > 0) heads.set(sent.shardId, at);
  }
  return heads;
}

/**
 * Shards whose head the consumer has not reached. `by` sequence: KCL's explicit checkpoints cannot name a place inside an
 * aggregate, and whoever checkpointed its sequence number was given all of it.
 */
export function behind(heads: Reached, reached: Reached, by: 'sequence' | 'position'): string[] {
  const target = (head: Position): Position => (by === 'position' ? head : position(sequenceOf(head) ?? '0'));
  return [...heads]
    .filter(([shardId, head]) => comparePositions(reached.get(shardId) ?? trimHorizon, target(head)) < 0)
    .map(([shardId]) => shardId);
}

/** KCL's checkpoints of an application (KCL: leases/dynamodb/DynamoDBLeaseSerializer.java). */
export async function readCheckpoints(dynamo: DynamoDBClient, leaseTable: string): Promise<Reached> {
  const reached = new Map<string, Position>();
  for await (const page of paginateScan({ client: dynamo }, { TableName: leaseTable, ConsistentRead: true })) {
    for (const item of page.Items ?? []) {
      const shardId = item['leaseKey']?.S;
      const checkpoint = item['checkpoint']?.S;
      if (shardId !== undefined && checkpoint !== undefined && /^(\d+|TRIM_HORIZON|SHARD_END)$/.test(checkpoint)) {
        reached.set(shardId, position(checkpoint, Number(item['checkpointSubSequenceNumber']?.N ?? 0)));
      }
    }
  }
  return reached;
}

/**
 * Closed shards whose lease KCL has made and deleted: it does so once all of the shard is read and its children are under way.
 * A lease further down the lineage shows it; without one the shard's lease was not made yet, and nothing of it is read.
 */
export function forgottenShards(shards: readonly Pick<Shard, 'shardId' | 'parents' | 'closed'>[], reached: Reached): string[] {
  const hasLeaseBelow = (shardId: string): boolean =>
    shards.some((shard) => shard.parents.includes(shardId) && (reached.has(shard.shardId) || hasLeaseBelow(shard.shardId)));
  return shards.filter(({ shardId, closed }) => closed && !reached.has(shardId) && hasLeaseBelow(shardId)).map(({ shardId }) => shardId);
}

/** Alerts that the warehouse has, and how many of them it takes for not published yet. */
export async function readLoadedAlerts(database: Database): Promise<{ readonly alerts: number; readonly open: number }> {
  const session = await database.connect();
  try {
    const { rows } = await session.query(
      "SELECT COUNT(*) AS alerts, SUM(CASE WHEN mode = 'live' AND published_at IS NULL AND withheld_at IS NULL THEN 1 ELSE 0 END) AS open FROM fraud_alert",
    );
    return { alerts: Number(rows[0]?.['alerts']), open: Number(rows[0]?.['open'] ?? 0) };
  } finally {
    await session.close();
  }
}

/** Up to where each shard is committed. */
export async function readLoaded(database: Database): Promise<Reached> {
  const session = await database.connect();
  try {
    const { rows } = await session.query('SELECT shard, position FROM load_watermark');
    return new Map(rows.map((row) => [String(row['shard']), String(row['position']) as Position]));
  } finally {
    await session.close();
  }
}
