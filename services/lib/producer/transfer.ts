import type { PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { type HashRange, inRange } from '../kcl/shards.ts';
import { aggregate, looksAggregated, type UserRecord } from './aggregation.ts';
import type { Batch, BufferedRecord } from './lanes.ts';
import type { Plan } from './shard-map.ts';

/** One Kinesis record to put, and whose it is. */
export interface Entry {
  readonly transfer: Transfer;
  /** The user records inside. */
  readonly records: readonly BufferedRecord[];
  readonly request: PutRecordsRequestEntry;
  readonly bytes: number;
}

/**
 * A batch on its way, until each of its records is acknowledged. It holds its planned range for that long: nothing later of
 * that range is sent before.
 *
 * together ──put again as often as needed──▶ acknowledged, landed where all its records may be read
 *    └──landed elsewhere──▶ single: one event a record, of each hash key one at a time ──▶ acknowledged one by one
 */
export class Transfer {
  readonly plan: Plan;
  /** Generation of the map that planned it. */
  readonly generation: number;
  #left: readonly BufferedRecord[];
  #single: boolean;
  #together: PutRecordsRequestEntry | undefined;

  /** Failed rounds since the last success. */
  #attempts = 0;
  #firstFailedAtMs: number | undefined;
  #dueAtMs = 0;
  /** Entries in requests, or waiting for the shard map. */
  inFlight = 0;
  /** Whether any of it was ever put. */
  begun = false;

  constructor(batch: Batch, generation: number) {
    this.plan = batch.plan;
    this.generation = generation;
    this.#left = batch.records;
    this.#single = batch.records.length === 1;
  }

  get range(): HashRange {
    return this.plan.range;
  }

  /** Not to be put before (epoch ms). Infinity while an answer is awaited. */
  get dueAtMs(): number {
    return this.inFlight > 0 ? Number.POSITIVE_INFINITY : this.#dueAtMs;
  }

  get attempts(): number {
    return this.#attempts;
  }

  get done(): boolean {
    return this.#left.length === 0;
  }

  get firstReceivedAtMs(): number {
    return this.#left[0]?.receivedAtMs ?? 0;
  }

  /** What to put next: everything together; or singly, of each hash key the first that is left. */
  entries(): Entry[] {
    if (!this.#single) return [this.#entry(this.#left, (this.#together ??= requestOf(this.#left)))];
    const firsts = new Map<bigint, BufferedRecord>();
    for (const record of this.#left) if (!firsts.has(record.hash)) firsts.set(record.hash, record);
    return [...firsts.values()].map((record) => this.#entry([record], requestOf([record])));
  }

  /** Whether an entry that landed elsewhere can be dropped by readers: one hash key lies wherever Kinesis put it. */
  canStray(entry: Entry): boolean {
    const [first, ...others] = entry.records;
    return others.some((record) => record.hash !== first?.hash);
  }

  fitsInto(range: HashRange): boolean {
    return this.#left.every((record) => inRange(record.hash, range));
  }

  goSingle(): void {
    this.#single = true;
    this.#together = undefined;
  }

  acknowledge(records: readonly BufferedRecord[]): void {
    this.#left = records.length === this.#left.length ? [] : this.#left.filter((record) => !records.includes(record));
    this.#attempts = 0;
    this.#firstFailedAtMs = undefined;
  }

  /** Entries of one round fail together: the first of them sets the pause. Answers for how long it has failed (ms). */
  failed(sentAtMs: number, nowMs: number, pauseMs: (attempt: number) => number): number {
    this.#firstFailedAtMs ??= nowMs;
    if (this.#dueAtMs <= sentAtMs) this.#dueAtMs = nowMs + pauseMs(++this.#attempts);
    return nowMs - this.#firstFailedAtMs;
  }

  #entry(records: readonly BufferedRecord[], request: PutRecordsRequestEntry): Entry {
    const bytes = (request.Data?.length ?? 0) + Buffer.byteLength(request.PartitionKey ?? '');
    return { transfer: this, records, request, bytes };
  }
}

/**
 * Outer key = that of the first record: it lands in the planned shard as long as the map holds, needs no explicit hash key of its
 * own, and after a split lands beside the first record at least. Data that looks like an aggregate is wrapped, so that it is
 * read back as it was given.
 */
function requestOf(records: readonly BufferedRecord[]): PutRecordsRequestEntry {
  const users: UserRecord[] = records.map(({ record }) => record);
  const first = users[0]!;
  return {
    Data: users.length === 1 && !looksAggregated(first.data) ? first.data : aggregate(users),
    PartitionKey: first.partitionKey,
    ...(first.explicitHashKey === undefined ? {} : { ExplicitHashKey: first.explicitHashKey }),
  };
}
