import {
  ConditionalCheckFailedException,
  type ConditionCheck,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { Position } from '../kcl/position.ts';
import { canPass } from '../process/aws-errors.ts';
import { ensureError, PlatformError } from '../process/errors.ts';
import type { TableDefinition } from '../process/service.ts';
import type { Fence } from './fence.ts';
import type { StateChange, StateRow } from './state-row.ts';
import { changeOf, type Item, rowOf } from './state-row-item.ts';
import type { StateTable } from './state-table.ts';

export const stateTableDefinition: TableDefinition = {
  name: 'shard-state',
  configKey: 'STATE_TABLE',
  summary: 'one row per shard of a consumer with state: its epoch, its snapshots, its attempts',
  partitionKey: { name: 'scope', type: 'S' },
  sortKey: { name: 'shard', type: 'S' },
};

export interface StateScope {
  /** KCL's application: its lease table has this name. */
  readonly application: string;
  /** `<name>@<creation epoch s>`. */
  readonly streamId: string;
  readonly workerId: string;
}

const scopeKey = ({ application, streamId }: Pick<StateScope, 'application' | 'streamId'>): string => `${application}#${streamId}`;

/** Conditions, by name. */
const noRow = 'attribute_not_exists(epoch)';
const stillSeen = 'epoch = :seen';
const ours = 'epoch = :epoch';
const leaseIsOurs = 'leaseOwner = :worker';

/**
 * On DynamoDB. Timeline of an owner:
 *
 *     read the row ── raiseEpoch (lease row checked, epoch + 1) ── read the row again ── write … write ── the next owner's raiseEpoch
 *                                                                 every write: only if epoch = ours ──┘ from here on all fail
 */
export class DynamoStateTable implements StateTable {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #scope: StateScope;

  constructor(dynamo: DynamoDBClient, table: string, scope: StateScope) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#scope = scope;
  }

  async read(shardId: string): Promise<StateRow | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: this.#key(shardId), ConsistentRead: true });
    const { Item } = await this.#ask('read a state row', () => this.#dynamo.send(command));
    return Item === undefined ? undefined : rowOf(Item);
  }

  async raiseEpoch(shardId: string, seen: number): Promise<'raised' | 'notOwner' | 'passed'> {
    const worker = { S: this.#scope.workerId };
    const lease: ConditionCheck = {
      TableName: this.#scope.application,
      Key: { leaseKey: { S: shardId } },
      ConditionExpression: leaseIsOurs,
      ExpressionAttributeValues: { ':worker': worker },
    };
    const raise = {
      TableName: this.#table,
      Key: this.#key(shardId),
      UpdateExpression: 'SET epoch = :next, worker = :worker',
      ConditionExpression: seen === 0 ? noRow : stillSeen,
      ExpressionAttributeValues: {
        ':next': { N: String(seen + 1) },
        ':worker': worker,
        ...(seen === 0 ? {} : { ':seen': { N: String(seen) } }),
      },
    };
    return this.#ask('take an epoch', async () => {
      try {
        await this.#dynamo.send(new TransactWriteItemsCommand({ TransactItems: [{ ConditionCheck: lease }, { Update: raise }] }));
        return 'raised';
      } catch (error) {
        const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
        if (reasons[0]?.Code === 'ConditionalCheckFailed') return 'notOwner';
        if (reasons[1]?.Code === 'ConditionalCheckFailed') return 'passed';
        throw error; // a conflict or a throttle
      }
    });
  }

  async ownsLease(shardId: string): Promise<boolean> {
    const command = new GetItemCommand({ TableName: this.#scope.application, Key: { leaseKey: { S: shardId } }, ConsistentRead: true });
    const { Item } = await this.#ask('read a lease row', () => this.#dynamo.send(command));
    return Item?.['leaseOwner']?.S === this.#scope.workerId;
  }

  fenceOf(shardId: string, epoch: number): Fence {
    const check: ConditionCheck = {
      TableName: this.#table,
      Key: this.#key(shardId),
      ConditionExpression: ours,
      ExpressionAttributeValues: { ':epoch': { N: String(epoch) } },
    };
    return { shardId, epoch, check };
  }

  async write({ shardId, epoch }: Fence, change: StateChange): Promise<'written' | 'fenced'> {
    const { update, names, values } = changeOf(change);
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: this.#key(shardId),
      UpdateExpression: update,
      ConditionExpression: ours,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ...values, ':epoch': { N: String(epoch) } },
    });
    return this.#ask('write a state row', async () => {
      try {
        await this.#dynamo.send(command);
        return 'written';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'fenced';
        throw error;
      }
    });
  }

  async retire(shardId: string): Promise<void> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: this.#key(shardId),
      UpdateExpression: 'SET retired = :yes',
      ConditionExpression: '#final = :yes', // a reserved word
      ExpressionAttributeNames: { '#final': 'final' },
      ExpressionAttributeValues: { ':yes': { BOOL: true } },
    });
    await this.#ask('retire a state row', () => this.#dynamo.send(command));
  }

  #key(shardId: string): Item {
    return { scope: { S: scopeKey(this.#scope) }, shard: { S: shardId } };
  }

  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    return unavailable(what, this.#table, call);
  }
}

const maxPages = 1_000;

/** Where each shard's newest snapshot stands; SHARD_END for one that has ended. Rejects with TABLE_UNAVAILABLE. */
export async function readPositions(
  dynamo: DynamoDBClient,
  table: string,
  scope: Pick<StateScope, 'application' | 'streamId'>,
): Promise<ReadonlyMap<string, Position>> {
  const rows = await readRows(dynamo, table, scope);
  return new Map([...rows].flatMap(([shardId, { current }]) => (current === undefined ? [] : [[shardId, current.position] as const])));
}

/** All rows of an application on a stream, by shard. Rejects with TABLE_UNAVAILABLE. */
export async function readRows(
  dynamo: DynamoDBClient,
  table: string,
  scope: Pick<StateScope, 'application' | 'streamId'>,
): Promise<ReadonlyMap<string, StateRow>> {
  const rows = new Map<string, StateRow>();
  let start: Item | undefined;
  for (let page = 0; page < maxPages; page++) {
    const command = new QueryCommand({
      TableName: table,
      ConsistentRead: true,
      KeyConditionExpression: '#scope = :scope',
      ExpressionAttributeNames: { '#scope': 'scope' },
      ExpressionAttributeValues: { ':scope': { S: scopeKey(scope) } },
      ...(start && { ExclusiveStartKey: start }),
    });
    const answer = await unavailable('query the state rows', table, () => dynamo.send(command));
    for (const item of answer.Items ?? []) rows.set(item['shard']?.S ?? '', rowOf(item));
    start = answer.LastEvaluatedKey;
    if (start === undefined) return rows;
  }
  throw new PlatformError('TABLE_UNAVAILABLE', `${table} answers more than ${maxPages} pages`);
}

/** What cannot pass by itself, such as a right that is missing, is not retriable. */
async function unavailable<T>(what: string, table: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const message = `cannot ${what} in ${table}: ${ensureError(cause).name}`;
    throw new PlatformError('TABLE_UNAVAILABLE', message, { retriable: canPass(cause), cause });
  }
}
