import type { Alert } from '../../services/lib/rules/alert.ts';
import type { RulesFile } from '../../services/lib/rules/rules-file.ts';
import type { SentRecord } from '../generate/send-log.ts';
import type { OracleShard } from './naive-alerts.ts';

/** A record of a stream that was read back, whole (not taken apart). */
export interface SourceRecord {
  readonly shardId: string;
  readonly sequenceNumber: string;
  /** Hex, of the data. */
  readonly sha256: string;
}

export interface FoundDeadLetter extends SourceRecord {
  readonly service: string;
  readonly stream: string;
  readonly subSequenceNumber: number;
  readonly reason: string;
}

/** A record behind the router that breaks the contract. */
export interface BrokenRecord extends SourceRecord {
  readonly subSequenceNumber: number;
}

export interface WarehouseRow {
  readonly eventId: string;
  readonly type: string;
  readonly userId: string;
  /** Epoch ms. */
  readonly occurredAt: number;
  /** When its file was committed, epoch ms; undefined when no ledger row tells. */
  readonly loadedAt: number | undefined;
}

/** The state of a booking in the warehouse. */
export interface WarehouseBooking {
  readonly bookingId: string;
  readonly eventId: string;
}

/** Everything a run leaves behind that can be trusted after a crash: streams, objects, tables, and the generator's log. */
export interface Evidence {
  readonly changesStream: string;
  readonly eventsStream: string;
  readonly log: readonly SentRecord[];
  /** All of the change stream. */
  readonly source: readonly SourceRecord[];
  /** All valid events behind the router, shard by shard, parents before children. */
  readonly routed: readonly OracleShard[];
  /** What lies there and is not valid. */
  readonly broken: readonly BrokenRecord[];
  readonly deadLetters: readonly FoundDeadLetter[];
  readonly rules: RulesFile;
  readonly storedAlerts: readonly Alert[];
  readonly publishedAlerts: readonly { readonly alertId: string; readonly receivedAt: number }[];
  readonly warehouseRows: readonly WarehouseRow[];
  readonly warehouseBookings: readonly WarehouseBooking[];
}

/** One kind of fault that was found, with some of the cases. */
export interface Failure {
  readonly check: string;
  readonly count: number;
  readonly samples: readonly string[];
}

const shown = 5;

/** Collects faults by kind. */
export class Failures {
  readonly #found = new Map<string, { count: number; samples: string[] }>();

  add(check: string, sample: string): void {
    const found = this.#found.get(check) ?? { count: 0, samples: [] };
    found.count++;
    if (found.samples.length < shown) found.samples.push(sample);
    this.#found.set(check, found);
  }

  count(check: string): number {
    return this.#found.get(check)?.count ?? 0;
  }

  get list(): Failure[] {
    return [...this.#found].map(([check, { count, samples }]) => ({ check, count, samples }));
  }
}

export const positionKey = (stream: string, { shardId, sequenceNumber }: { shardId: string; sequenceNumber: string }): string =>
  `${stream} ${shardId} ${sequenceNumber}`;

export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
