import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeDefinition,
  type AttributeValue,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  type GlobalSecondaryIndex,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { PlatformError } from '../process/errors.ts';
import type { KclLine } from './kcl-line.ts';
import type { Shard } from './shards.ts';

const pollMs = 200;

const leaseKey: AttributeDefinition = { AttributeName: 'leaseKey', AttributeType: 'S' };
const leaseOwner: AttributeDefinition = { AttributeName: 'leaseOwner', AttributeType: 'S' };
/** 3.5 keeps rows of other kinds in the same table: its leader, its version, its workers' reports (KCL: leases/EntityType.java). */
const leaseEntity = 'LEASE';
/** KCL 3.x finds a worker's leases by it (KCL: DynamoDBLeaseRefresher.LEASE_OWNER_TO_LEASE_KEY_INDEX_NAME). */
const ownerIndex: GlobalSecondaryIndex = {
  IndexName: 'LeaseOwnerToLeaseKeyIndex',
  KeySchema: [
    { AttributeName: 'leaseOwner', KeyType: 'HASH' },
    { AttributeName: 'leaseKey', KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'KEYS_ONLY' },
};

/** Waits until the table can be used. Rejects with TABLE_UNAVAILABLE: at once when it does not exist, else after `deadlineMs`. */
export async function awaitTable(dynamo: DynamoDBClient, tableName: string, deadlineMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    try {
      const answer = await dynamo.send(new DescribeTableCommand({ TableName: tableName }), signal ? { abortSignal: signal } : {});
      const status = answer.Table?.TableStatus;
      if (status === 'ACTIVE' || status === 'UPDATING') return;
    } catch (cause) {
      signal?.throwIfAborted();
      const missing = (cause as Error).name === 'ResourceNotFoundException';
      if (missing || performance.now() > deadline) {
        throw new PlatformError('TABLE_UNAVAILABLE', missing ? `there is no table ${tableName}` : `cannot describe table ${tableName}`, {
          cause,
        });
      }
    }
    if (performance.now() > deadline)
      throw new PlatformError('TABLE_UNAVAILABLE', `table ${tableName} is not active after ${deadlineMs} ms`);
    await delay(pollMs, undefined, signal ? { signal } : {});
  }
}

/**
 * Makes KCL's lease table when it is missing (key leaseKey, on demand; for 3.x with the index that it would else add, and wait for) and, for a fresh application on a stream that
 * was never resharded, its lease rows: with an empty table KCL waits a random 1 to 30 s first.
 *
 * Rows are written only when every shard is open. With a closed shard the children must wait for their parents,
 * and which leases to begin with is KCL's decision.
 * Returns how many rows were written. Rejects with TABLE_UNAVAILABLE, also when 2.x is to work on what 3.x has written.
 */
export async function prepareLeaseTable(
  dynamo: DynamoDBClient,
  options: {
    readonly tableName: string;
    readonly kclLine: KclLine;
    readonly shards: () => Promise<readonly Shard[]>;
    readonly deadlineMs: number;
    readonly signal?: AbortSignal;
  },
): Promise<number> {
  const { tableName, kclLine } = options;
  try {
    await dynamo.send(
      new CreateTableCommand({
        TableName: tableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [leaseKey, ...(kclLine === 3 ? [leaseOwner] : [])],
        KeySchema: [{ AttributeName: 'leaseKey', KeyType: 'HASH' }],
        ...(kclLine === 3 ? { GlobalSecondaryIndexes: [ownerIndex] } : {}),
      }),
    );
  } catch (cause) {
    if ((cause as Error).name !== 'ResourceInUseException') {
      throw new PlatformError('TABLE_UNAVAILABLE', `cannot make the lease table ${tableName}`, { cause });
    }
  }
  await awaitTable(dynamo, tableName, options.deadlineMs, options.signal);
  try {
    // One page, 1 MB, is some thousand leases.
    const { Items: rows = [] } = await dynamo.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    if (kclLine === 2 && rows.some(({ entityType }) => entityType !== undefined && entityType.S !== leaseEntity)) {
      // 2.x reads every row as a lease, and fails for ever.
      const remedy = `stop all its tasks, delete the rows that have another entityType than ${leaseEntity}, then start`;
      throw new PlatformError('TABLE_UNAVAILABLE', `KCL 3.x has worked on the lease table ${tableName}, and 2.x cannot read it: ${remedy}`);
    }
    if (rows.length > 0) return 0;
    const shards = await options.shards();
    if (shards.some((shard) => shard.closed)) return 0;
    const written = await Promise.all(shards.map((shard) => putIfAbsent(dynamo, tableName, leaseRow(shard, kclLine))));
    return written.filter(Boolean).length;
  } catch (cause) {
    if (cause instanceof PlatformError) throw cause;
    throw new PlatformError('TABLE_UNAVAILABLE', `cannot write the first rows of the lease table ${tableName}`, { cause });
  }
}

/** A lease nobody holds, at the start of its shard (KCL: leases/dynamodb/DynamoDBLeaseSerializer.java). */
export function leaseRow(shard: Shard, kclLine: KclLine): Record<string, AttributeValue> {
  return {
    leaseKey: { S: shard.shardId },
    leaseCounter: { N: '0' },
    checkpoint: { S: 'TRIM_HORIZON' },
    checkpointSubSequenceNumber: { N: '0' },
    ownerSwitchesSinceCheckpoint: { N: '0' },
    startingHashKey: { S: shard.range.start.toString() },
    endingHashKey: { S: shard.range.end.toString() },
    ...(kclLine === 3 ? { entityType: { S: leaseEntity } } : {}),
  };
}

async function putIfAbsent(dynamo: DynamoDBClient, tableName: string, row: Record<string, AttributeValue>): Promise<boolean> {
  try {
    await dynamo.send(new PutItemCommand({ TableName: tableName, Item: row, ConditionExpression: 'attribute_not_exists(leaseKey)' }));
    return true;
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return false; // another task was first
    throw error;
  }
}
