import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  paginateQuery,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { canPass } from '../lib/process/aws-errors.ts';
import { ensureError, PlatformError } from '../lib/process/errors.ts';
import { backoffMs } from '../lib/producer/backoff.ts';
import { type Account, accountItem, accountOf, alertItem, toItem, unlockItem } from './account-item.ts';
import type { LockAlert } from './alert-message.ts';
import { decideLock, decideUnlock, type LockDecision, type UnlockDecision } from './decisions.ts';

/** Under the function's timeout (service.ts), so that it ends with an error of ours and Lambda tries again. */
const defaultDeadlineMs = 10_000;
const backoff = { baseMs: 50, capMs: 1_000 };

export type LockOutcome = LockDecision | { readonly effect: 'duplicate'; readonly account: Account | undefined };

/** Who unlocks, and why. `operator`: as the machine knows them. */
export interface Unlock {
  readonly userId: string;
  readonly by: string;
  readonly reason: string;
  readonly operator: string;
}

export interface AccountsOptions {
  readonly dynamo: DynamoDBClient;
  readonly table: string;
  readonly now: () => number;
  /** Of one change, its retries included. @default 10 s */
  readonly deadlineMs?: number;
}

/** Told of a write that another writer or a throttle made fail, and that is made again. */
export type OnRetry = (error: Error) => void;

/**
 * The table `accounts`. Every change is read → decide → one transaction on condition that the account is still at the version that was
 * read, together with the item that records the change:
 *
 *   read account and alert#<id> ─ the item is there ─────────────────────────────→ duplicate: nothing is written
 *            └ decide ─ transaction { alert#<id> if absent, account if version } ─→ done
 *                          └ refused, in conflict, throttled, no answer → read again
 *
 * So a repeated or concurrent delivery of an alert acts once, and an answer that got lost is found as a duplicate.
 */
export class Accounts {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #now: () => number;
  readonly #deadlineMs: number;

  constructor(options: AccountsOptions) {
    this.#dynamo = options.dynamo;
    this.#table = options.table;
    this.#now = options.now;
    this.#deadlineMs = options.deadlineMs ?? defaultDeadlineMs;
  }

  /** Rejects with TABLE_UNAVAILABLE, when no retry can help or the deadline passes. */
  lock(alert: LockAlert, lockMs: number, onRetry?: OnRetry): Promise<LockOutcome> {
    const { userId, alertId, ruleId, ruleVersion, reason } = alert;
    return this.#again(
      `lock the account of ${userId}`,
      async (signal): Promise<LockOutcome> => {
        const [before, handled] = await Promise.all([this.#account(userId, signal), this.#item(userId, alertItem(alertId), signal)]);
        if (handled !== undefined) return { effect: 'duplicate', account: before };
        const at = this.#now();
        const decision = decideLock(before, alert, at, lockMs);
        const { effect, account } = decision;
        const record = {
          userId,
          item: alertItem(alertId),
          alertId,
          ruleId,
          ruleVersion,
          reason,
          effect,
          at,
          lockedUntil: account.lockedUntil,
        };
        await this.#write([this.#create(record), effect === 'covered' ? this.#stillAt(account) : this.#replace(before, account)], signal);
        return decision;
      },
      onRetry,
    );
  }

  /** Rejects with TABLE_UNAVAILABLE. */
  unlock({ userId, by, reason, operator }: Unlock): Promise<UnlockDecision> {
    return this.#again(`unlock the account of ${userId}`, async (signal) => {
      const before = await this.#account(userId, signal);
      const at = this.#now();
      const decision = decideUnlock(before, { by, reason }, at);
      if (decision.kind !== 'unlock') return decision;
      const { alertId, ruleId, lockedAt, lockedUntil, reason: lockReason } = decision.lock;
      const item = unlockItem(at, randomUUID());
      const record = { userId, item, at, by, reason, operator, alertId, ruleId, lockReason, lockedAt, lockedUntil };
      await this.#write([this.#create(record), this.#replace(before, decision.account)], signal);
      return decision;
    });
  }

  /** The account and everything that was done to it: alerts first, by id; then unlocks, the oldest first. */
  look(userId: string): Promise<{ readonly account: Account | undefined; readonly history: readonly Record<string, AttributeValue>[] }> {
    return this.#again(`read the account of ${userId}`, async (abortSignal) => {
      const pages = paginateQuery(
        { client: this.#dynamo },
        {
          TableName: this.#table,
          KeyConditionExpression: 'userId = :user',
          ExpressionAttributeValues: { ':user': { S: userId } },
          ConsistentRead: true,
        },
        { abortSignal },
      );
      const items: Record<string, AttributeValue>[] = [];
      for await (const { Items = [] } of pages) items.push(...Items);
      const account = items.find(({ item }) => item?.S === accountItem);
      return { account: account && accountOf(account), history: items.filter((item) => item !== account) };
    });
  }

  async #account(userId: string, signal: AbortSignal): Promise<Account | undefined> {
    const item = await this.#item(userId, accountItem, signal);
    return item && accountOf(item);
  }

  async #item(userId: string, item: string, abortSignal: AbortSignal): Promise<Record<string, AttributeValue> | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: toItem({ userId, item }), ConsistentRead: true });
    return (await this.#dynamo.send(get, { abortSignal })).Item;
  }

  async #write(TransactItems: TransactWriteItem[], abortSignal: AbortSignal): Promise<void> {
    await this.#dynamo.send(new TransactWriteItemsCommand({ TransactItems }), { abortSignal });
  }

  #create(record: Readonly<Record<string, string | number>>): TransactWriteItem {
    return { Put: { TableName: this.#table, Item: toItem(record), ConditionExpression: 'attribute_not_exists(userId)' } };
  }

  #replace(before: Account | undefined, account: Account): TransactWriteItem {
    const Item = toItem(account);
    if (before === undefined) return this.#create(account);
    return { Put: { TableName: this.#table, Item, ...atVersion(before) } };
  }

  #stillAt(account: Account): TransactWriteItem {
    const { userId, item } = account;
    return { ConditionCheck: { TableName: this.#table, Key: toItem({ userId, item }), ...atVersion(account) } };
  }

  async #again<T>(what: string, attempt: (signal: AbortSignal) => Promise<T>, onRetry?: OnRetry): Promise<T> {
    const signal = AbortSignal.timeout(this.#deadlineMs);
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt(signal);
      } catch (cause) {
        if (cause instanceof PlatformError) throw cause;
        const retriable = canPass(cause);
        if (!retriable || signal.aborted) throw unavailable(what, retriable, cause);
        onRetry?.(ensureError(cause));
        await delay(backoffMs(attempts, backoff, Math.random), undefined, { signal }).catch(() => undefined);
        if (signal.aborted) throw unavailable(what, true, cause);
      }
    }
  }
}

const atVersion = ({ version }: Account) => ({
  ConditionExpression: '#version = :version',
  ExpressionAttributeNames: { '#version': 'version' },
  ExpressionAttributeValues: { ':version': { N: String(version) } },
});

const unavailable = (what: string, retriable: boolean, cause: unknown): PlatformError =>
  new PlatformError('TABLE_UNAVAILABLE', `cannot ${what}: ${ensureError(cause).name}`, { retriable, cause });
