import type { HashRange } from '../kcl/shards.ts';
import { aggregatedSize, aggregateOverhead, effectiveHashKey, type UserRecord } from './aggregation.ts';
import type { Plan, ShardMap } from './shard-map.ts';

/** Largest aggregate, bytes: one PUT payload unit of Kinesis, so that an aggregate costs what a small record costs. */
export const maxAggregateBytes = 25_000;

/** A record that was accepted and is not acknowledged yet. */
export interface BufferedRecord {
  readonly record: UserRecord;
  readonly hash: bigint;
  /** Most bytes it adds to an aggregate. */
  readonly size: number;
  /** In the order of put. */
  readonly sequence: number;
  readonly receivedAtMs: number;
}

export function buffered(record: UserRecord, sequence: number, receivedAtMs: number): BufferedRecord {
  return { record, hash: effectiveHashKey(record), size: aggregatedSize(record), sequence, receivedAtMs };
}

/** Records of one planned shard that wait to be sent, in order of put. */
interface Lane {
  readonly plan: Plan;
  readonly records: BufferedRecord[];
  bytes: number;
}

/** What goes into one Kinesis record. */
export interface Batch {
  readonly plan: Plan;
  readonly records: readonly BufferedRecord[];
}

/** The records that were not sent yet, by planned shard. */
export class Lanes {
  readonly #map: ShardMap;
  #lanes = new Map<string, Lane>();
  /** Of the map that planned all of them. */
  #generation = 0;

  constructor(map: ShardMap) {
    this.#map = map;
  }

  /** True when the record fills an aggregate. */
  add(record: BufferedRecord): boolean {
    this.#replanIfStale();
    return this.#add(record);
  }

  /** Takes one batch from each lane that is full, or whose first record is due, unless its range is blocked. */
  take(isDue: (first: BufferedRecord) => boolean, isBlocked: (range: HashRange) => boolean): Batch[] {
    this.#replanIfStale();
    const batches: Batch[] = [];
    for (const [name, lane] of this.#lanes) {
      const first = lane.records[0];
      if (first === undefined || !(lane.bytes > maxAggregateBytes || isDue(first)) || isBlocked(lane.plan.range)) continue;
      const records = lane.records.splice(0, fitting(lane.records));
      lane.bytes -= records.reduce((sum, record) => sum + record.size, 0);
      if (lane.records.length === 0) this.#lanes.delete(name);
      batches.push({ plan: lane.plan, records });
    }
    return batches;
  }

  /** When the oldest record was put, of those whose range is not blocked. */
  oldest(isBlocked: (range: HashRange) => boolean): number | undefined {
    this.#replanIfStale();
    let oldest: number | undefined;
    for (const lane of this.#lanes.values()) {
      const at = lane.records[0]?.receivedAtMs;
      if (at !== undefined && (oldest === undefined || at < oldest) && !isBlocked(lane.plan.range)) oldest = at;
    }
    return oldest;
  }

  #add(record: BufferedRecord): boolean {
    const plan = this.#map.plan(record.hash);
    const name = plan.shardId ?? `#${record.hash}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) this.#lanes.set(name, (lane = { plan, records: [], bytes: aggregateOverhead }));
    lane.records.push(record);
    lane.bytes += record.size;
    return lane.bytes > maxAggregateBytes;
  }

  /** Lanes that two maps planned may overlap, and then a key's records could leave by both at once: one map plans them all. */
  #replanIfStale(): void {
    if (this.#generation === this.#map.generation) return;
    this.#generation = this.#map.generation;
    const waiting = [...this.#lanes.values()].flatMap((lane) => lane.records).sort((a, b) => a.sequence - b.sequence);
    this.#lanes = new Map();
    for (const record of waiting) this.#add(record);
  }
}

/** How many of the first records make one aggregate; a larger one goes alone. */
function fitting(records: readonly BufferedRecord[]): number {
  let bytes = aggregateOverhead;
  for (const [count, record] of records.entries()) {
    bytes += record.size;
    if (bytes > maxAggregateBytes) return Math.max(1, count);
  }
  return records.length;
}
