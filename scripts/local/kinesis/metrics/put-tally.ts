import type { Shard } from '../store/shard.ts';

/** What one put did to one shard. Bytes are data and keys, as the limits count them. */
export interface ShardTally {
  records: number;
  bytes: number;
  throttled: number;
}

/** What one put did, counted record by record on the hot path and measured once at its end. */
export class PutTally {
  readonly byShard = new Map<Shard, ShardTally>();
  failed = 0;

  stored(shard: Shard, bytes: number): void {
    const tally = this.#of(shard);
    tally.records += 1;
    tally.bytes += bytes;
  }

  throttled(shard: Shard, records = 1): void {
    this.#of(shard).throttled += records;
  }

  /** All shards together. */
  total(): ShardTally {
    const total = { records: 0, bytes: 0, throttled: 0 };
    for (const { records, bytes, throttled } of this.byShard.values()) {
      total.records += records;
      total.bytes += bytes;
      total.throttled += throttled;
    }
    return total;
  }

  #of(shard: Shard): ShardTally {
    let tally = this.byShard.get(shard);
    if (tally === undefined) {
      tally = { records: 0, bytes: 0, throttled: 0 };
      this.byShard.set(shard, tally);
    }
    return tally;
  }
}
