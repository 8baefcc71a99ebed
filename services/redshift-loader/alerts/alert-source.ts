import { type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { byDayIndex } from '../../lib/alerts/alerts-table.ts';
import type { AlertItem } from '../../lib/alerts/stored-alert.ts';
import { ensureError, PlatformError } from '../../lib/process/errors.ts';

/** Items raised on a day (UTC, `2026-11-23`), oldest first, some at a time. Rejects with TABLE_UNAVAILABLE. */
export type AlertSource = (day: string, signal: AbortSignal) => AsyncIterable<readonly AlertItem[]>;

/** By the table's index, which follows the table by a moment. */
export const alertsOfTable = (dynamo: DynamoDBClient, table: string): AlertSource =>
  async function* (day, abortSignal) {
    const query = {
      TableName: table,
      IndexName: byDayIndex,
      KeyConditionExpression: '#day = :day',
      ExpressionAttributeNames: { '#day': 'day' },
      ExpressionAttributeValues: { ':day': { S: day } },
    };
    try {
      for await (const page of paginateQuery({ client: dynamo }, query, { abortSignal })) yield page.Items ?? [];
    } catch (thrown) {
      const cause = ensureError(thrown);
      throw new PlatformError('TABLE_UNAVAILABLE', `cannot read the alerts of ${day}: ${cause.message}`, { retriable: true, cause });
    }
  };
