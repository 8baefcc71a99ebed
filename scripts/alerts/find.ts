import { type AttributeValue, type DynamoDBClient, paginateQuery } from '@aws-sdk/client-dynamodb';
import { byDayIndex } from '../../services/lib/alerts/alerts-table.ts';
import { type AlertItem, type AlertRecord, dayOf, pendingPartition, storedAlertOf } from '../../services/lib/alerts/stored-alert.ts';
import { isPlatformError } from '../../services/lib/process/errors.ts';
import { UsageError } from '../cli/flags.ts';
import { printable } from './cells.ts';
import type { FilterFlags } from './flags.ts';
import type { AlertsIo } from './io.ts';
import { type State, stateOf } from './view.ts';

const dayMs = 86_400_000;
const maxDays = 400;

export interface Filter {
  readonly rule?: string | undefined;
  readonly user?: string | undefined;
  readonly mode?: string | undefined;
  readonly state?: State | undefined;
  /** Raised at or after it, epoch ms; undefined: of all times. */
  readonly since: number | undefined;
}

/** Without --since the last day, or all times where an index has all that are asked for. Throws UsageError. */
export function filterOf({ rule, user, mode, state, since }: FilterFlags, now: number): Filter {
  const isNarrow = user !== undefined || state === 'pending';
  const from = since?.(now) ?? (isNarrow ? undefined : now - dayMs);
  if (from !== undefined && !isNarrow && now - from > maxDays * dayMs) {
    throw new UsageError(`--since ${new Date(from).toISOString()}: at most ${maxDays} days back, or with --user`);
  }
  return { rule, user, mode, state, since: from };
}

export const matches = (record: AlertRecord, { rule, user, mode, state, since }: Filter): boolean =>
  (rule === undefined || record.alert.ruleId === rule) &&
  (user === undefined || record.alert.key === user) &&
  (mode === undefined || record.alert.mode === mode) &&
  (state === undefined || stateOf(record) === state) &&
  (since === undefined || record.raisedAt >= since);

/** The days from `since` to `now`, in UTC. */
export function daysOf(since: number, now: number): string[] {
  const days: string[] = [];
  for (let day = since - (since % dayMs); day <= now; day += dayMs) days.push(dayOf(day));
  return days;
}

/** The alerts that match, by the time they were raised. Reads an index, never the whole table; `note` is told what is no alert there. */
export async function* findAlerts(
  { dynamo, table }: { readonly dynamo: DynamoDBClient; readonly table: string },
  filter: Filter,
  order: 'newest first' | 'oldest first',
  { now, note }: Pick<AlertsIo, 'note'> & { readonly now: number },
): AsyncGenerator<AlertRecord> {
  const from = filter.since ?? 0;
  // Another day has begun somewhere: clocks differ.
  const days = filter.user === undefined && filter.state !== 'pending' ? daysOf(from, now + dayMs) : [];
  const partitions =
    filter.user !== undefined
      ? [{ index: 'by-user', name: 'key', value: filter.user }]
      : filter.state === 'pending'
        ? [{ index: 'pending', name: 'pending', value: pendingPartition }]
        : days.map((day) => ({ index: byDayIndex, name: 'day', value: day }));
  for (const { index, name, value } of order === 'newest first' ? partitions.toReversed() : partitions) {
    const query = {
      TableName: table,
      IndexName: index,
      KeyConditionExpression: '#partition = :partition AND raisedAt >= :from',
      ExpressionAttributeNames: { '#partition': name },
      ExpressionAttributeValues: { ':partition': { S: value }, ':from': { N: String(from) } } satisfies Record<string, AttributeValue>,
      ScanIndexForward: order === 'oldest first',
    };
    for await (const page of paginateQuery({ client: dynamo }, query)) {
      for (const item of page.Items ?? []) {
        const record = readable(item, note);
        if (record !== undefined && matches(record, filter)) yield record;
      }
    }
  }
}

function readable(item: AlertItem, note: AlertsIo['note']): AlertRecord | undefined {
  try {
    return storedAlertOf(item);
  } catch (error) {
    if (!isPlatformError(error, 'PROTOCOL')) throw error;
    note(`left out: ${printable(error.message)}`);
    return undefined;
  }
}
