import type { Position } from '../../services/lib/kcl/position.ts';
import type { Alert } from '../../services/lib/rules/alert.ts';
import type { SentRecord } from '../generate/send-log.ts';
import type { OracleInput, OracleShard } from './naive-alerts.ts';

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

/** A record that kills whoever applies it; all its copies have the same bytes. */
export interface PoisonedRecord {
  readonly eventId: string;
  /** Hex, of the data. */
  readonly sha256: string;
}

/** A record behind the router that breaks the contract. */
export interface BrokenRecord extends SourceRecord {
  readonly subSequenceNumber: number;
}

/** The columns of `booking_event` and `booking` that come from the event; text and numbers as the warehouse holds them. */
export interface WarehouseEvent {
  readonly bookingId: string;
  readonly version: number;
  readonly eventId: string;
  readonly type: string;
  readonly userId: string;
  readonly tourId: string;
  /** Epoch ms. */
  readonly occurredAt: number;
  readonly seats: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly channel: string;
  readonly source: string;
}

export interface WarehouseRow extends WarehouseEvent {
  readonly fileId: string;
  /** When its file was committed, epoch ms; undefined when no ledger row tells. */
  readonly loadedAt: number | undefined;
}

/** One loaded file, as the load that committed it says. */
export interface LedgerRow {
  readonly fileId: string;
  readonly application: string;
  /** `<name>@<creation epoch s>`. */
  readonly streamId: string;
  readonly shardId: string;
  readonly from: Position;
  readonly to: Position;
  readonly copied: number;
  readonly inserted: number;
  /** Lines that the warehouse refused before. */
  readonly quarantined: number;
  /** Epoch ms. */
  readonly loadedAt: number;
}

/** A line that the warehouse refused. */
export interface QuarantinedLine {
  readonly fileId: string;
  readonly line: number;
  /** Undefined when its content shows none. */
  readonly eventId: string | undefined;
}

/** A row of `kpi_hourly`; the measures as whole numbers in text, since sums may be beyond what a number holds. */
export interface HourlyRow {
  /** `hour|business day|tour|channel|currency`, the hour in epoch ms. */
  readonly key: string;
  readonly measures: Readonly<Record<HourlyMeasure, string>>;
}

export const hourlyMeasures = [
  'reserved',
  'cancelled',
  'changed',
  'expired',
  'seats_reserved',
  'seats_cancelled',
  'amount_reserved_minor',
  'amount_cancelled_minor',
] as const;
export type HourlyMeasure = (typeof hourlyMeasures)[number];

/** Up to where a shard is loaded. */
export type Watermark = Pick<LedgerRow, 'application' | 'streamId' | 'shardId'> & { readonly position: Position };

export interface AlertColumns {
  readonly alertId: string;
  readonly ruleId: string;
  readonly ruleVersion: number;
  readonly mode: string;
  readonly severity: string;
  readonly key: string;
  readonly at: number;
}

/** An item of the alerts table: the alert, what the detector added, and the columns people look it up by. */
export interface FoundAlert {
  readonly alert: Alert;
  readonly action: string;
  /** It may lack evidence. */
  readonly warming: boolean;
  readonly columns: AlertColumns;
}

/** What subscribers got. */
export interface PublishedAlert {
  /** JSON, parsed. */
  readonly message: unknown;
  readonly attributes: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly receivedAt: number;
}

/** An alert on which account-guard acted. */
export interface LockingAlert {
  readonly alertId: string;
  readonly userId: string;
}

/** Undefined when it is no alert at all. */
export function alertIdOf({ message }: PublishedAlert): string | undefined {
  const id: unknown = typeof message === 'object' && message !== null && 'alertId' in message ? message.alertId : undefined;
  return typeof id === 'string' ? id : undefined;
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
  readonly rules: OracleInput['rules'];
  /** What killed the detector's process and had to be given up. */
  readonly poisoned: readonly PoisonedRecord[];
  readonly storedAlerts: readonly FoundAlert[];
  readonly publishedAlerts: readonly PublishedAlert[];
  readonly lockingAlerts: readonly LockingAlert[];
  readonly warehouseRows: readonly WarehouseRow[];
  /** The state of each booking. */
  readonly warehouseBookings: readonly WarehouseEvent[];
  readonly ledger: readonly LedgerRow[];
  readonly watermarks: readonly Watermark[];
  /** Of fraud_alert. */
  readonly warehouseAlerts: readonly AlertColumns[];
  readonly quarantine: readonly QuarantinedLine[];
  readonly hourly: readonly HourlyRow[];
  /** Events whose lines the run made such that the warehouse refuses them. */
  readonly refused: readonly string[];
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

/** A record that was put plain has sub-sequence 0. */
export const positionKey = (
  stream: string,
  { shardId, sequenceNumber, subSequenceNumber = 0 }: { shardId: string; sequenceNumber: string; subSequenceNumber?: number },
): string => `${stream} ${shardId} ${sequenceNumber}/${subSequenceNumber}`;

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
