import type { CanonicalEvent } from './canonical.ts';
import type { MalformedKind } from './malformed.ts';

/** What must become of a record, and what was done to it. */
export interface Label {
  readonly expect: 'routed' | 'dropped' | 'dead-lettered';
  /** Of a routed record; of a dropped one, the ids it must not have made. */
  readonly eventIds: readonly string[];
  /** Of a routed record: what every consumer behind the router must see. */
  readonly event?: CanonicalEvent;
  /** Sent before, byte for byte. */
  readonly duplicate?: true;
  /** Sent later than it happened, behind others. */
  readonly disordered?: true;
  readonly late?: true;
  readonly future?: true;
  readonly malformed?: MalformedKind | 'wrong-key';
  readonly episode?: number;
}

export interface PlannedRecord {
  /** Epoch ms; never falls from record to record. */
  readonly sendAt: number;
  /** The change stream, but for records that break the contract of the stream behind the router. */
  readonly target: 'changes' | 'events';
  readonly partitionKey: string;
  readonly data: Buffer;
  readonly label: Label;
}
