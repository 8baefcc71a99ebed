import type { SnapshotRef } from '../../../services/lib/state/state-row.ts';
import type { Evidence, FoundAlert } from '../../judge/evidence.ts';
import type { OracleShard } from '../../judge/naive-alerts.ts';
import type { StateSighting } from './state-watch.ts';

/** Something that was done to the system or seen of it, epoch ms. */
export interface TimedEvent {
  readonly at: number;
  readonly what: string;
}

export interface History {
  readonly evidence: Pick<Evidence, 'routed' | 'storedAlerts' | 'publishedAlerts'>;
  /** Each state row whenever it was seen changed, in order. */
  readonly sightings: readonly StateSighting[];
  readonly events: readonly TimedEvent[];
}

/** The shards of the judged stream, parents first: who owned their state, what was kept of it, what they raised. */
export function lineageText({ evidence, sightings }: Pick<History, 'evidence' | 'sightings'>): string {
  const alerts = alertsByShard(evidence);
  return evidence.routed
    .map((shard) => {
      const seen = sightings.filter(({ shardId }) => shardId === shard.shardId);
      const raised = alerts.get(shard.shardId) ?? [];
      const published = raised.reduce((sum, { messages }) => sum + messages, 0);
      const lines = [
        `${shard.shardId}${shard.parents.length === 0 ? '' : ` from ${shard.parents.join(' and ')}`}`,
        `  records    ${count(shard.records.length)} of ${count(new Set(shard.records.map(({ event }) => event.userId)).size)} users`,
        `  epochs     ${epochsText(seen)}`,
        `  snapshots  ${snapshotsText(seen)}`,
        `  alerts     ${count(raised.length)} stored, ${count(published)} messages published`,
      ];
      return lines.map((line) => `  ${line}\n`).join('');
    })
    .join('');
}

/** `file` goes with its folder when the run is not kept. */
export const whereAllIs = (file: string, isKept: boolean): string =>
  isKept ? `all of it in ${file}` : 'in short; --keep DIR keeps the whole history';

/** All of it, one JSON object a line: faults and state by time, then per shard its records in order with the alert each raised. */
export function* historyLines({ evidence, sightings, events }: History): Generator<string> {
  const line = (object: object): string => `${JSON.stringify(object)}\n`;
  const timed = [
    ...events.map(({ at, what }) => ({ at, kind: 'event', what })),
    ...sightings.map((sighting) => ({ kind: 'state', ...sighting })),
  ];
  for (const one of timed.sort((a, b) => a.at - b.at)) yield line(one);
  const byTrigger = new Map([...alertsByShard(evidence).values()].flat().map((raised) => [raised.found.alert.triggeredBy, raised]));
  for (const { shardId, parents, range, records } of evidence.routed) {
    yield line({ kind: 'shard', shardId, parents, range: { start: String(range.start), end: String(range.end) } });
    for (const { event, arrival } of records) {
      const { eventId, userId, type, occurredAt } = event;
      yield line({ kind: 'record', shardId, eventId, userId, type, occurredAt, arrival });
      const raised = byTrigger.get(eventId);
      if (raised === undefined) continue;
      byTrigger.delete(eventId); // a repeat of the record raised nothing
      yield line({ kind: 'alert', shardId, ...raised.found, messages: raised.messages });
    }
  }
}

interface Raised {
  readonly found: FoundAlert;
  /** How often it was published. */
  readonly messages: number;
}

/** By the shard where the record that raised them came first. */
function alertsByShard({ routed, storedAlerts, publishedAlerts }: History['evidence']): Map<string, Raised[]> {
  const shardOf = firstShards(routed, new Set(storedAlerts.map(({ alert }) => alert.triggeredBy)));
  const messages = new Map<string, number>();
  for (const { message } of publishedAlerts) {
    const { alertId } = message as { readonly alertId?: string };
    if (alertId !== undefined) messages.set(alertId, (messages.get(alertId) ?? 0) + 1);
  }
  const result = new Map<string, Raised[]>();
  for (const found of storedAlerts) {
    const shardId = shardOf.get(found.alert.triggeredBy) ?? 'no shard';
    const list = result.get(shardId) ?? [];
    list.push({ found, messages: messages.get(found.alert.alertId) ?? 0 });
    result.set(shardId, list);
  }
  return result;
}

function firstShards(routed: readonly OracleShard[], eventIds: ReadonlySet<string>): Map<string, string> {
  const shardOf = new Map<string, string>();
  for (const { shardId, records } of routed) {
    for (const { event } of records) {
      if (eventIds.has(event.eventId) && !shardOf.has(event.eventId)) shardOf.set(event.eventId, shardId);
    }
  }
  return shardOf;
}

function epochsText(seen: readonly StateSighting[]): string {
  const owners: { worker: string; first: number; last: number }[] = [];
  for (const { epoch, worker } of seen) {
    const owner = owners.at(-1);
    if (owner?.worker === worker) owner.last = epoch;
    else owners.push({ worker, first: epoch, last: epoch });
  }
  const span = ({ first, last }: { first: number; last: number }): string => (first === last ? `${first}` : `${first}–${last}`);
  return owners.length === 0 ? 'none seen' : owners.map((owner) => `${span(owner)} by ${owner.worker}`).join(', ');
}

function snapshotsText(seen: readonly StateSighting[]): string {
  const nameOf = ({ epoch, position, generation }: SnapshotRef): string => `${epoch} ${position} ${generation}`;
  const snapshots = new Map(seen.flatMap(({ current }) => (current === undefined ? [] : [[nameOf(current), current] as const])));
  const last = [...snapshots.values()].at(-1);
  if (last === undefined) return 'none seen';
  const final = seen.at(-1)?.final === true ? ', the last one final' : '';
  return `${snapshots.size} pointed at${final}, of ${count(last.bytes)} bytes`;
}

const count = (n: number): string => n.toLocaleString('en-US');
