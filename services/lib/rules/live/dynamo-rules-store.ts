import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import type { ObjectStore } from '../../objects/object-store.ts';
import { canPass } from '../../process/aws-errors.ts';
import { ensureError, PlatformError } from '../../process/errors.ts';
import type { TableDefinition } from '../../process/service.ts';
import { parsePointer, type RulesPointer, writeDeadlineMs } from './pointer.ts';
import { hashOf, type RepairableRulesStore, type RulesAudit } from './rules-store.ts';

/** For the service.ts of whoever reads rules. */
export const rulesTable: TableDefinition = {
  name: 'fraud-rules',
  configKey: 'RULES_TABLE',
  summary: 'which rules file is in force from when on (item `pointer`), and who published it',
  partitionKey: { name: 'item', type: 'S' },
};
/** Prefix of the rules files in the object store; also for service.ts. */
export const rulesPrefix = 'rules/';

const pointerKey = { item: { S: 'pointer' } };

/** The pointer in DynamoDB, the files in the object store. */
export class DynamoRulesStore implements RepairableRulesStore {
  readonly #dynamo: DynamoDBClient;
  readonly #table: string;
  readonly #objects: ObjectStore;

  constructor(dynamo: DynamoDBClient, table: string, objects: ObjectStore) {
    this.#dynamo = dynamo;
    this.#table = table;
    this.#objects = objects;
  }

  async readPointer(): Promise<RulesPointer | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: pointerKey, ConsistentRead: true });
    const { Item } = await this.#answered('read the rules pointer', 'dynamodb:GetItem', () => this.#dynamo.send(command));
    return Item === undefined ? undefined : pointerOf(Item);
  }

  async writePointer(pointer: RulesPointer, audit: RulesAudit): Promise<'written' | 'lost'> {
    const condition =
      pointer.version === 1
        ? { ConditionExpression: 'attribute_not_exists(#item)', ExpressionAttributeNames: { '#item': 'item' } }
        : {
            ConditionExpression: '#version = :before',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':before': { N: String(pointer.version - 1) } },
          };
    const command = new TransactWriteItemsCommand({
      TransactItems: [
        { Put: { TableName: this.#table, Item: itemOf(pointer), ...condition } },
        { Put: { TableName: this.#table, Item: auditItemOf(audit) } },
      ],
    });
    // The sum of all retries: readers rely on it that no write comes later.
    const abortSignal = AbortSignal.timeout(writeDeadlineMs);
    return this.#answered('write the rules pointer', 'dynamodb:PutItem', async () => {
      try {
        await this.#dynamo.send(command, { abortSignal });
        return 'written';
      } catch (error) {
        const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
        if (reasons[0]?.Code === 'ConditionalCheckFailed') return 'lost';
        throw error;
      }
    });
  }

  async readRules(hash: string): Promise<Buffer> {
    const bytes = await this.#objects.read(keyOf(hash));
    if (hashOf(bytes) !== hash) throw new PlatformError('OBJECT_CORRUPT', `${keyOf(hash)} holds other bytes than its name says`);
    return bytes;
  }

  async putRules(bytes: Buffer): Promise<string> {
    const hash = hashOf(bytes);
    await this.#objects.create(keyOf(hash), bytes, 'application/json');
    return hash;
  }

  deleteRules(hash: string): Promise<void> {
    return this.#objects.delete(keyOf(hash));
  }

  async #answered<T>(what: string, right: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      const retriable = canPass(cause);
      const remedy = retriable ? '' : `. This does not pass by itself: the table must exist and ${right} on it be granted`;
      const message = `cannot ${what} in ${this.#table}: ${ensureError(cause).name}${remedy}`;
      throw new PlatformError('TABLE_UNAVAILABLE', message, { retriable, cause });
    }
  }
}

const keyOf = (hash: string): string => `${rulesPrefix}${hash}.json`;

type Item = Record<string, AttributeValue>;

function itemOf({ version, generations, withheld }: RulesPointer): Item {
  return {
    ...pointerKey,
    version: { N: String(version) },
    generations: {
      L: generations.map(({ generation, hash, activeFrom, publishedAt, publishedBy, schema }) => ({
        M: {
          generation: { N: String(generation) },
          hash: { S: hash },
          activeFrom: { N: String(activeFrom) },
          publishedAt: { N: String(publishedAt) },
          publishedBy: { S: publishedBy },
          ...(schema !== undefined && { schema: { N: String(schema) } }),
        },
      })),
    },
    withheld: withheld === 'all' ? { S: 'all' } : { L: withheld.map((id) => ({ S: id })) },
  };
}

/** Whatever is not as it was written shows in the schema. */
function pointerOf({ version, generations, withheld }: Item): RulesPointer {
  return parsePointer({
    version: Number(version?.N),
    generations: generations?.L?.map(({ M }) => ({
      generation: Number(M?.['generation']?.N),
      hash: M?.['hash']?.S,
      activeFrom: Number(M?.['activeFrom']?.N),
      publishedAt: Number(M?.['publishedAt']?.N),
      publishedBy: M?.['publishedBy']?.S,
      ...(M?.['schema'] && { schema: Number(M['schema'].N) }),
    })),
    withheld: withheld?.S ?? withheld?.L?.map(({ S }) => S),
  });
}

const auditItemOf = ({ at, by, action, details }: RulesAudit): Item => ({
  item: { S: `audit#${new Date(at).toISOString()}#${randomUUID()}` },
  by: { S: by },
  action: { S: action },
  details: { S: JSON.stringify(details) },
});
