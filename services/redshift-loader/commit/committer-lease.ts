import { ConditionalCheckFailedException, DeleteItemCommand, type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { PlatformError } from '../../lib/process/errors.ts';
import { committerKey } from '../registry/registry-rows.ts';

/** Who commits. Clocks may differ and two may hold it for a while: the load transaction stays exact, only one of them works in vain. */
export interface CommitterLease {
  /** Takes or prolongs it; false when somebody else holds it. Rejects with TABLE_UNAVAILABLE. */
  claim(): Promise<boolean>;
  /** Gives it up, if it is ours, so that a successor need not wait. */
  release(): Promise<void>;
}

export function dynamoCommitterLease(
  dynamo: DynamoDBClient,
  options: {
    readonly table: string;
    readonly application: string;
    readonly owner: string;
    readonly leaseMs: number;
    readonly now: () => number;
  },
): CommitterLease {
  const { table, application, owner, leaseMs, now } = options;
  const key = { pk: { S: committerKey(application) }, sk: { S: 'lease' } };
  const conditionally = async (action: () => Promise<unknown>): Promise<boolean> => {
    try {
      await action();
      return true;
    } catch (cause) {
      if (cause instanceof ConditionalCheckFailedException) return false;
      throw new PlatformError('TABLE_UNAVAILABLE', `cannot use the committer's lease: ${String(cause)}`, { retriable: true, cause });
    }
  };
  return {
    claim: () =>
      conditionally(() =>
        dynamo.send(
          new UpdateItemCommand({
            TableName: table,
            Key: key,
            UpdateExpression: 'SET #owner = :owner, expiresAt = :expiresAt',
            ConditionExpression: 'attribute_not_exists(pk) OR #owner = :owner OR expiresAt < :now',
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: {
              ':owner': { S: owner },
              ':expiresAt': { N: String(now() + leaseMs) },
              ':now': { N: String(now()) },
            },
          }),
        ),
      ),
    release: async () => {
      await conditionally(() =>
        dynamo.send(
          new DeleteItemCommand({
            TableName: table,
            Key: key,
            ConditionExpression: '#owner = :owner',
            ExpressionAttributeNames: { '#owner': 'owner' },
            ExpressionAttributeValues: { ':owner': { S: owner } },
          }),
        ),
      );
    },
  };
}
