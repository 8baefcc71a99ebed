import { type DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { type StoredAlert, storedAlertOf } from '../../../services/lib/alerts/stored-alert.ts';
import type { SentRecord } from '../../generate/send-log.ts';
import { readArrivals } from '../../judge/collect.ts';
import { alertIdOf, type PublishedAlert, positionKey } from '../../judge/evidence.ts';
import type { Session } from '../session.ts';
import type { Journey } from './hops.ts';

const changes = 'booking-changes';

/** The way of each alert whose change arrived in [from, to), epoch ms. By durable evidence alone: the streams' own arrival times, the stored alerts, what subscribers got. */
export async function journeysOf(
  { system, signal }: Pick<Session, 'system' | 'signal'>,
  log: readonly SentRecord[],
  publishedAlerts: readonly PublishedAlert[],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<Journey[]> {
  const arrivals = await readArrivals({ kinesis: system.kinesis, streamName: changes, signal });
  return joined(await readStored(system.dynamo), firstArrivals(log, arrivals), firstPublications(publishedAlerts)).filter(
    ({ changeArrivedAt }) => changeArrivedAt >= from && changeArrivedAt < to,
  );
}

async function readStored(dynamo: DynamoDBClient): Promise<StoredAlert[]> {
  const stored: StoredAlert[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: 'fraud-alerts', ConsistentRead: true })) {
    stored.push(...Items.map(storedAlertOf));
  }
  return stored;
}

/** An alert without one of its moments is no sample: the judge tells of what is missing. */
export function joined(
  stored: readonly StoredAlert[],
  changeArrivedAt: ReadonlyMap<string, number>,
  publishedAt: ReadonlyMap<string, number>,
): Journey[] {
  return stored.flatMap(({ alert, arrivedAt, raisedAt }) => {
    const arrived = changeArrivedAt.get(alert.triggeredBy);
    const published = publishedAt.get(alert.alertId);
    return arrived === undefined || published === undefined
      ? []
      : [{ changeArrivedAt: arrived, eventArrivedAt: arrivedAt, raisedAt, publishedAt: published }];
  });
}

/** By event id; a change may be sent twice. */
function firstArrivals(log: readonly SentRecord[], arrivals: ReadonlyMap<string, number>): Map<string, number> {
  const first = new Map<string, number>();
  for (const sent of log) {
    const [eventId] = sent.label.eventIds;
    const at = arrivals.get(positionKey(sent.stream, sent));
    if (eventId !== undefined && at !== undefined) first.set(eventId, Math.min(at, first.get(eventId) ?? at));
  }
  return first;
}

/** By alert id. */
function firstPublications(published: readonly PublishedAlert[]): Map<string, number> {
  const first = new Map<string, number>();
  for (const message of published) {
    const id = alertIdOf(message) ?? '';
    first.set(id, Math.min(message.receivedAt, first.get(id) ?? message.receivedAt));
  }
  return first;
}
