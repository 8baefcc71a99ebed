import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import { itemOf, pendingPartition, type StoredAlert, storedAlertOf } from './stored-alert.ts';

export interface PutOutcome {
  /** False when the alert was there already. */
  readonly created: boolean;
  /** Still to be published. */
  readonly pending: boolean;
}

const maxAttempts = 8;
const firstBackoffMs = 100;
const pendingIndex = 'pending';

/** The alerts table: each alert once, `pending` on it until it was published. Rejects with TABLE_UNAVAILABLE. */
export class AlertStore {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #pause: (ms: number) => Promise<unknown>;

  constructor(dynamo: DynamoDBClient, table: string, pause: (ms: number) => Promise<unknown> = delay) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#pause = pause;
  }

  /** Put if absent. When it resolves, the alert is durable. */
  async put(stored: StoredAlert): Promise<PutOutcome> {
    const item = itemOf(stored);
    const command = new PutItemCommand({
      TableName: this.#table,
      Item: item,
      ConditionExpression: 'attribute_not_exists(alertId)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#retried('put an alert', async () => {
      try {
        await this.#dynamo.send(command);
        return { created: true, pending: item['pending'] !== undefined };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        return { created: false, pending: error.Item?.['pending'] !== undefined };
      }
    });
  }

  async markPublished(alertId: string, publishedAt: number): Promise<void> {
    await this.#updateIf('attribute_exists(alertId)', alertId, 'SET publishedAt = :at REMOVE pending, sweptAt', {
      ':at': { N: String(publishedAt) },
    });
  }

  /** Up to `limit` alerts stored before `before` (epoch ms) that nobody has published yet, oldest first. */
  async pendingBefore(before: number, limit: number): Promise<StoredAlert[]> {
    const command = new QueryCommand({
      TableName: this.#table,
      IndexName: pendingIndex,
      KeyConditionExpression: 'pending = :pending AND raisedAt < :before',
      ExpressionAttributeValues: { ':pending': { S: pendingPartition }, ':before': { N: String(before) } },
      Limit: limit,
    });
    const answer = await this.#retried('query the pending alerts', () => this.#dynamo.send(command));
    return (answer.Items ?? []).map(storedAlertOf);
  }

  /** False when the alert was published meanwhile, or another sweep took it at or after `since`. */
  claimForSweep(alertId: string, now: number, since: number): Promise<boolean> {
    return this.#updateIf(
      'attribute_exists(pending) AND (attribute_not_exists(sweptAt) OR sweptAt < :since)',
      alertId,
      'SET sweptAt = :now',
      { ':now': { N: String(now) }, ':since': { N: String(since) } },
    );
  }

  #updateIf(condition: string, alertId: string, update: string, values: Record<string, AttributeValue>): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: { alertId: { S: alertId } },
      ConditionExpression: condition,
      UpdateExpression: update,
      ExpressionAttributeValues: values,
    });
    return this.#retried('update an alert', async () => {
      try {
        await this.#dynamo.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    });
  }

  async #retried<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (cause) {
        const message = `cannot ${what} in ${this.#table}: ${ensureError(cause).name}`;
        if (!canRetry(cause)) throw new PlatformError('TABLE_UNAVAILABLE', message, { cause });
        if (attempts >= maxAttempts) throw new PlatformError('TABLE_UNAVAILABLE', message, { retriable: true, cause });
        await this.#pause(firstBackoffMs * 2 ** (attempts - 1));
      }
    }
  }
}

const passing = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TransactionConflictException',
  'LimitExceededException',
]);

/** Throttles, conflicts with another writer, server faults, and whatever never got an answer. */
function canRetry(error: unknown): boolean {
  if (error instanceof PlatformError) return false;
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  return passing.has(ensureError(error).name) || status === undefined || status >= 500;
}
