import { type KinesisClient, ListShardsCommand, PutRecordsCommand, type PutRecordsRequestEntry } from '@aws-sdk/client-kinesis';
import { type HashRange, hashKeyOf, inRange } from '../../../../services/lib/kcl/shards.ts';
import { deaggregate, type UserRecord } from '../../../../services/lib/producer/aggregation.ts';
import type { VirtualClock } from './virtual-clock.ts';

interface SimulatedShard {
  readonly id: string;
  readonly range: HashRange;
  readonly parents: readonly string[];
  closed: boolean;
  readonly stored: { readonly data: Buffer; readonly partitionKey: string }[];
}

/** Chances of each fault, 0 to 1. */
export interface Faults {
  /** An entry is refused by itself. */
  readonly throttled: number;
  /** The request is refused; nothing of it is stored. */
  readonly refused: number;
  /** Part of the request is stored, and no answer comes. */
  readonly lostAnswer: number;
  /** The request was given up, and all of it is stored a good while later. */
  readonly late: number;
  /** The shards cannot be listed. */
  readonly noList: number;
  /** The listing is that of before the last reshard. */
  readonly staleList: number;
}

export const noFaults: Faults = { throttled: 0, refused: 0, lostAnswer: 0, late: 0, noList: 0, staleList: 0 };

const topHash = 2n ** 128n - 1n;

/** A stream with shards, faults and no limits, in virtual time. */
export class SimulatedStream {
  readonly #clock: VirtualClock;
  readonly #random: () => number;
  readonly #faults: Faults;
  readonly #shards: SimulatedShard[] = [];
  #previousListing: SimulatedShard[] = [];
  /** Every PutRecords, as it arrived. */
  readonly requests: (readonly PutRecordsRequestEntry[])[] = [];
  listings = 0;
  /** Aggregates that no reader delivers. */
  strays = 0;

  constructor(clock: VirtualClock, random: () => number, shards: number, faults: Faults = noFaults) {
    this.#clock = clock;
    this.#random = random;
    this.#faults = faults;
    const width = 2n ** 128n / BigInt(shards);
    for (let i = 0n; i < BigInt(shards); i++) {
      this.#open({ start: i * width, end: i === BigInt(shards) - 1n ? topHash : (i + 1n) * width - 1n }, []);
    }
    this.#previousListing = this.#snapshot();
  }

  /** What the producer takes for its Kinesis client. */
  get client(): KinesisClient {
    const send = async (command: unknown): Promise<unknown> => {
      await this.#clock.pause(1 + Math.floor(this.#random() * 30));
      if (command instanceof PutRecordsCommand) return this.#put(command.input.Records ?? []);
      if (command instanceof ListShardsCommand) return this.#list();
      throw new Error('not simulated');
    };
    return { send } as unknown as KinesisClient;
  }

  get openShards(): number {
    return this.#shards.filter((shard) => !shard.closed).length;
  }

  split(pick: number): void {
    this.#previousListing = this.#snapshot();
    const open = this.#shards.filter((shard) => !shard.closed);
    const parent = open[Math.floor(pick * open.length)]!;
    const middle = (parent.range.start + parent.range.end) / 2n;
    parent.closed = true;
    this.#open({ start: parent.range.start, end: middle }, [parent.id]);
    this.#open({ start: middle + 1n, end: parent.range.end }, [parent.id]);
  }

  merge(pick: number): void {
    const open = this.#shards.filter((shard) => !shard.closed).sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
    if (open.length < 2) return;
    this.#previousListing = this.#snapshot();
    const at = Math.floor(pick * (open.length - 1));
    const [left, right] = [open[at]!, open[at + 1]!];
    left.closed = true;
    right.closed = true;
    this.#open({ start: left.range.start, end: right.range.end }, [left.id, right.id]);
  }

  /** What consumers get, each shard after its parents. */
  delivered(): UserRecord[] {
    return this.#shards.flatMap((shard) =>
      shard.stored.flatMap(({ data, partitionKey }) => {
        const parts = deaggregate(data, partitionKey, shard.range);
        if (parts.kind !== 'stray') return [...parts.records];
        this.strays++;
        return [];
      }),
    );
  }

  async #put(entries: readonly PutRecordsRequestEntry[]): Promise<unknown> {
    this.requests.push(entries);
    const fate = this.#random();
    const { refused, lostAnswer, late, throttled } = this.#faults;
    if (fate < refused) throw named('ServiceUnavailableException');
    if (fate < refused + lostAnswer) {
      for (const i of this.#shuffled(entries)) if (this.#random() < 0.5) this.#store(entries[i]!);
      throw named('TimeoutError');
    }
    if (fate < refused + lostAnswer + late) {
      this.#clock.after(100 + this.#random() * 5_000, () => {
        for (const i of this.#shuffled(entries)) this.#store(entries[i]!);
      });
      throw named('TimeoutError');
    }
    const results = entries.map((): object => ({}));
    for (const i of this.#shuffled(entries)) {
      results[i] =
        this.#random() < throttled
          ? { ErrorCode: 'ProvisionedThroughputExceededException' }
          : { ShardId: this.#store(entries[i]!), SequenceNumber: '1' };
    }
    await this.#clock.pause(Math.floor(this.#random() * 30));
    return { Records: results };
  }

  #list(): unknown {
    this.listings++;
    if (this.#random() < this.#faults.noList) throw named('LimitExceededException');
    const shards = this.#random() < this.#faults.staleList ? this.#previousListing : this.#snapshot();
    return {
      Shards: shards.map((shard) => ({
        ShardId: shard.id,
        ...(shard.parents[0] === undefined ? {} : { ParentShardId: shard.parents[0] }),
        HashKeyRange: { StartingHashKey: String(shard.range.start), EndingHashKey: String(shard.range.end) },
        SequenceNumberRange: { StartingSequenceNumber: '1', ...(shard.closed ? { EndingSequenceNumber: '9' } : {}) },
      })),
    };
  }

  #store(entry: PutRecordsRequestEntry): string {
    const partitionKey = entry.PartitionKey ?? '';
    const hash = entry.ExplicitHashKey === undefined ? hashKeyOf(partitionKey) : BigInt(entry.ExplicitHashKey);
    const shard = this.#shards.find((candidate) => !candidate.closed && inRange(hash, candidate.range))!;
    shard.stored.push({ data: Buffer.from(entry.Data ?? []), partitionKey });
    return shard.id;
  }

  #open(range: HashRange, parents: readonly string[]): void {
    this.#shards.push({ id: `shardId-${String(this.#shards.length).padStart(12, '0')}`, range, parents, closed: false, stored: [] });
  }

  #snapshot(): SimulatedShard[] {
    return this.#shards.map((shard) => ({ ...shard }));
  }

  /** Kinesis keeps no order among the entries of a request. */
  #shuffled(entries: readonly unknown[]): number[] {
    return entries
      .map((_, i) => ({ i, by: this.#random() }))
      .sort((a, b) => a.by - b.by)
      .map(({ i }) => i);
  }
}

function named(name: string): Error {
  const error = new Error(name);
  error.name = name;
  return error;
}
