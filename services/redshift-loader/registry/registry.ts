import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { type Position, trimHorizon } from '../../lib/kcl/position.ts';
import { canPass } from '../../lib/process/aws-errors.ts';
import { PlatformError } from '../../lib/process/errors.ts';
import { type FileRow, filesKey, headsKey, type Item, textOf, toFileRow, toItem } from './registry-rows.ts';

/** What the shard side and the committer know of staged files. All reads are strongly consistent. */
export interface LoadRegistry {
  /** The shard's position: everything up to it is in a registered file. TRIM_HORIZON when there is none. */
  head(shardId: string): Promise<Position>;
  /**
   * Moves the head from `file.from` to `file.to` and adds the file's row, both or neither. `lost`: the head was not at `from`.
   * A rejection leaves it open whether the append was made.
   */
  append(file: FileRow): Promise<'appended' | 'lost'>;
  heads(): Promise<ReadonlyMap<string, Position>>;
  /** The shard's files with `from` at or after the position, oldest first. */
  files(shardId: string, from: Position, limit: number): Promise<readonly FileRow[]>;
  /** The shard's files with `from` before the position, oldest first. */
  filesBefore(shardId: string, before: Position, limit: number): Promise<readonly FileRow[]>;
  /**
   * Puts `file` in place of the row at its `from`, if that row still is this file with the object `oldKey`. `lost`: it is not.
   * A rejection leaves it open whether it was done; the row says.
   */
  replaceObject(file: FileRow, oldKey: string): Promise<'replaced' | 'lost'>;
  remove(file: FileRow): Promise<void>;
}

const maxPages = 1_000;

/**
 * On DynamoDB; rejects with TABLE_UNAVAILABLE, retriable unless no waiting helps, as for a table or a right that is missing.
 * The head is never deleted: a shard without one starts at TRIM_HORIZON again.
 */
export class DynamoLoadRegistry implements LoadRegistry {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #application: string;
  readonly #streamId: string;

  constructor(dynamo: DynamoDBClient, table: string, application: string, streamId: string) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#application = application;
    this.#streamId = streamId;
  }

  async head(shardId: string): Promise<Position> {
    const key = this.#headKey(shardId);
    const { Item } = await this.#ask('read a head', () =>
      this.#dynamo.send(new GetItemCommand({ TableName: this.#table, Key: key, ConsistentRead: true })),
    );
    return Item === undefined ? trimHorizon : (textOf(Item, 'to') as Position);
  }

  async append(file: FileRow): Promise<'appended' | 'lost'> {
    const first = file.from === trimHorizon;
    const moveHead = {
      TableName: this.#table,
      Key: this.#headKey(file.shardId),
      UpdateExpression: 'SET #to = :to',
      ConditionExpression: first ? 'attribute_not_exists(pk)' : '#to = :from',
      ExpressionAttributeNames: { '#to': 'to' },
      ExpressionAttributeValues: { ':to': { S: file.to }, ...(first ? {} : { ':from': { S: file.from } }) },
    };
    const addFile = {
      TableName: this.#table,
      Item: toItem(this.#filesKey(file.shardId), file),
      ConditionExpression: 'attribute_not_exists(pk)',
    };
    return this.#ask('append to the registry', async () => {
      try {
        await this.#dynamo.send(new TransactWriteItemsCommand({ TransactItems: [{ Update: moveHead }, { Put: addFile }] }));
        return 'appended';
      } catch (error) {
        const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
        if (reasons.some((reason) => reason.Code === 'ConditionalCheckFailed')) return 'lost';
        throw error; // a conflict or a throttle among the reasons: nothing is known, the head decides
      }
    });
  }

  async heads(): Promise<ReadonlyMap<string, Position>> {
    const items = await this.#query({ ':pk': { S: headsKey(this.#application, this.#streamId) } }, 'pk = :pk');
    return new Map(items.map((item) => [textOf(item, 'sk'), textOf(item, 'to') as Position]));
  }

  async files(shardId: string, from: Position, limit: number): Promise<readonly FileRow[]> {
    const values = { ':pk': { S: this.#filesKey(shardId) }, ':from': { S: from } };
    const items = await this.#query(values, 'pk = :pk AND sk >= :from', limit);
    return items.map((item) => toFileRow(shardId, item));
  }

  async filesBefore(shardId: string, before: Position, limit: number): Promise<readonly FileRow[]> {
    const values = { ':pk': { S: this.#filesKey(shardId) }, ':before': { S: before } };
    const items = await this.#query(values, 'pk = :pk AND sk < :before', limit);
    return items.map((item) => toFileRow(shardId, item));
  }

  async replaceObject(file: FileRow, oldKey: string): Promise<'replaced' | 'lost'> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: toItem(this.#filesKey(file.shardId), file),
      ConditionExpression: 'fileId = :fileId AND #object = :old',
      ExpressionAttributeNames: { '#object': 'object' },
      ExpressionAttributeValues: { ':fileId': { S: file.fileId }, ':old': { S: oldKey } },
    });
    return this.#ask('replace an object in the registry', async () => {
      try {
        await this.#dynamo.send(put);
        return 'replaced';
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return 'lost';
        throw error;
      }
    });
  }

  async remove(file: FileRow): Promise<void> {
    const key = { pk: { S: this.#filesKey(file.shardId) }, sk: { S: file.from } };
    await this.#ask('remove a file row', () => this.#dynamo.send(new DeleteItemCommand({ TableName: this.#table, Key: key })));
  }

  #headKey(shardId: string): Item {
    return { pk: { S: headsKey(this.#application, this.#streamId) }, sk: { S: shardId } };
  }

  #filesKey(shardId: string): string {
    return filesKey(this.#application, this.#streamId, shardId);
  }

  async #query(values: Record<string, AttributeValue>, condition: string, limit = Number.POSITIVE_INFINITY): Promise<Item[]> {
    const items: Item[] = [];
    let start: Item | undefined;
    for (let page = 0; page < maxPages; page++) {
      const answer = await this.#ask('query the registry', () =>
        this.#dynamo.send(
          new QueryCommand({
            TableName: this.#table,
            ConsistentRead: true,
            KeyConditionExpression: condition,
            ExpressionAttributeValues: values,
            ...(Number.isFinite(limit) ? { Limit: limit - items.length } : {}),
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        ),
      );
      items.push(...(answer.Items ?? []));
      start = answer.LastEvaluatedKey;
      if (start === undefined || items.length >= limit) return items;
    }
    throw new PlatformError('TABLE_UNAVAILABLE', `a registry query has more than ${maxPages} pages`);
  }

  async #ask<T>(what: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      throw new PlatformError('TABLE_UNAVAILABLE', `cannot ${what}: ${String(cause)}`, { retriable: canPass(cause), cause });
    }
  }
}
