import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  type AlertItem,
  type AlertRecord,
  isPublishable,
  pendingPartition,
  type StoredAlert,
  storedAlertOf,
} from '../lib/alerts/stored-alert.ts';
import { ensureError } from '../lib/process/errors.ts';
import type { Logger } from '../lib/process/log.ts';
import type { Fence } from '../lib/state/fence.ts';
import { cancelledBy, putTransaction, transactionBatches } from './alert-transaction.ts';
import { type RetryOptions, TableRetry } from './table-retry.ts';

export interface PutOutcome {
  /** False when the alert was there already. */
  readonly created: boolean;
  /** Still to be published. */
  readonly pending: boolean;
}

const pendingIndex = 'pending';

export interface AlertStoreOptions extends RetryOptions {
  /** Epoch ms. */
  readonly now?: () => number;
}

/**
 * The alerts table: each alert once, `pending` on it until it was published, withheld or refused. Every call is repeated until it succeeds or
 * its signal is aborted; rejects with TABLE_UNAVAILABLE.
 */
export class AlertStore {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #retry: TableRetry;
  readonly #log: Logger | undefined;
  readonly #now: () => number;

  constructor(dynamo: DynamoDBClient, table: string, options: AlertStoreOptions = {}) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#retry = new TableRetry(table, options);
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Puts each alert if it is absent, all under the fence. When it resolves to outcomes, in the order of the alerts, all of them are
   * durable; when to `fenced`, another owner has the shard, and those that were stored before it came are on the outbox.
   */
  async putAll(fence: Fence, alerts: readonly StoredAlert[]): Promise<readonly PutOutcome[] | 'fenced'> {
    const outcomes: PutOutcome[] = [];
    // One after the other: transactions that check the same epoch would only conflict.
    for (const batch of transactionBatches(alerts)) {
      const put = await this.#putBatch(fence, batch);
      if (put === 'fenced') {
        this.#retry.metrics.count('fenced_writes_refused', 1, { what: 'alert' });
        return 'fenced';
      }
      outcomes.push(...put);
    }
    return outcomes;
  }

  async markPublished(alertId: string, publishedAt: number, signal?: AbortSignal): Promise<void> {
    const update = 'SET publishedAt = :at REMOVE pending, sweptAt, withheldAt, refused';
    await this.#updateIf('attribute_exists(alertId)', alertId, update, { ':at': { N: String(publishedAt) } }, signal);
  }

  /** Off the outbox without being published, by the kill switch. False when it was not on it any more. */
  markWithheld(alertId: string, withheldAt: number, signal?: AbortSignal): Promise<boolean> {
    const update = 'SET withheldAt = :at REMOVE pending, sweptAt';
    return this.#updateIf('attribute_exists(pending)', alertId, update, { ':at': { N: String(withheldAt) } }, signal);
  }

  /** Off the outbox because it cannot be published as it is: `reason`. False when it was not on it any more. */
  markRefused(alertId: string, refusedAt: number, reason: string, signal?: AbortSignal): Promise<boolean> {
    const update = 'SET withheldAt = :at, refused = :reason REMOVE pending, sweptAt';
    const values = { ':at': { N: String(refusedAt) }, ':reason': { S: reason } };
    return this.#updateIf('attribute_exists(pending)', alertId, update, values, signal);
  }

  /** A withheld or refused alert back to the outbox, where the sweep finds it. False when it was not withheld any more. */
  release(alertId: string, signal?: AbortSignal): Promise<boolean> {
    const update = 'SET pending = :pending REMOVE withheldAt, refused';
    const withheld = 'attribute_exists(withheldAt) AND attribute_not_exists(pending)';
    return this.#updateIf(withheld, alertId, update, { ':pending': { S: pendingPartition } }, signal);
  }

  /**
   * Up to `limit` alerts stored before `before` (epoch ms) that nobody has published yet, oldest first. An item among them that is no
   * alert is taken off the outbox: such items would fill its front for ever.
   */
  async pendingBefore(before: number, limit: number, signal?: AbortSignal): Promise<AlertRecord[]> {
    const command = new QueryCommand({
      TableName: this.#table,
      IndexName: pendingIndex,
      KeyConditionExpression: 'pending = :pending AND raisedAt < :before',
      ExpressionAttributeValues: { ':pending': { S: pendingPartition }, ':before': { N: String(before) } },
      Limit: limit,
    });
    const answer = await this.#retry.call('query the pending alerts', (s) => this.#dynamo.send(command, aborting(s)), signal);
    const alerts: AlertRecord[] = [];
    for (const item of answer.Items ?? []) {
      try {
        alerts.push(storedAlertOf(item));
      } catch (error) {
        await this.#setAside(item, ensureError(error), signal);
      }
    }
    return alerts;
  }

  /** False when the alert was published meanwhile, or another sweep took it at or after `since`. */
  claimForSweep(alertId: string, now: number, since: number, signal?: AbortSignal): Promise<boolean> {
    const free = 'attribute_exists(pending) AND (attribute_not_exists(sweptAt) OR sweptAt < :since)';
    return this.#updateIf(free, alertId, 'SET sweptAt = :now', { ':now': { N: String(now) }, ':since': { N: String(since) } }, signal);
  }

  async #setAside(item: AlertItem, err: Error, signal: AbortSignal | undefined): Promise<void> {
    const alertId = item['alertId']?.S ?? '';
    if (!(await this.markRefused(alertId, this.#now(), err.message, signal))) return;
    this.#retry.metrics.count('alerts_malformed');
    this.#log?.error({ event: 'alert.malformed', alertId, err }, 'an item on the outbox is no alert: it was taken off, someone must look');
  }

  /** A transaction without an answer is made again: what it did already is found there, with its `pending`. */
  async #putBatch(fence: Fence, batch: readonly StoredAlert[]): Promise<PutOutcome[] | 'fenced'> {
    const settled = new Map<string, PutOutcome>();
    const missing = (): StoredAlert[] => batch.filter(({ alert }) => !settled.has(alert.alertId));
    for (let attempts = 1; settled.size < batch.length; attempts++) {
      const alerts = missing();
      const cancelled = await this.#retry.call('put alerts', () => this.#transact(fence, alerts));
      if (cancelled?.fenced) return 'fenced';
      for (const stored of alerts) {
        const { alertId } = stored.alert;
        const pending = cancelled === undefined ? isPublishable(stored) : cancelled.present.get(alertId);
        if (pending !== undefined) settled.set(alertId, { created: cancelled === undefined, pending });
      }
      if (cancelled?.busy && missing().length > 0) await this.#retry.wait('put alerts', attempts, cancelled.error);
    }
    return batch.flatMap(({ alert }) => settled.get(alert.alertId) ?? []);
  }

  /** Undefined when it was made. */
  async #transact(fence: Fence, alerts: readonly StoredAlert[]) {
    try {
      await this.#dynamo.send(putTransaction(fence, this.#table, alerts));
      return undefined;
    } catch (error) {
      const cancelled = cancelledBy(error, alerts);
      if (cancelled === undefined) throw error;
      return { ...cancelled, error };
    }
  }

  #updateIf(
    condition: string,
    alertId: string,
    update: string,
    values: Record<string, AttributeValue>,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const command = new UpdateItemCommand({
      TableName: this.#table,
      Key: { alertId: { S: alertId } },
      ConditionExpression: condition,
      UpdateExpression: update,
      ExpressionAttributeValues: values,
    });
    const attempt = async (abort: AbortSignal | undefined): Promise<boolean> => {
      try {
        await this.#dynamo.send(command, aborting(abort));
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    };
    return this.#retry.call('update an alert', attempt, signal);
  }
}

const aborting = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { abortSignal: signal });
