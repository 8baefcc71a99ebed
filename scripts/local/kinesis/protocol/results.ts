import type { Batch } from '../store/record-log.ts';
import type { Shard } from '../store/shard.ts';

/** What PutRecords did, entry by entry; kept apart from its wire form because both codecs write it by hand. */
export interface PutResults {
  readonly failedCount: number;
  readonly entries: readonly PutEntry[];
}

export type PutEntry = PutSuccess | PutFailure;
export interface PutSuccess {
  readonly shard: Shard;
  readonly counter: number;
}
export interface PutFailure {
  readonly errorCode: string;
  readonly errorMessage: string;
}

export interface ReadResults {
  readonly shard: Shard;
  readonly batch: Batch;
  /** Everything but the records: NextShardIterator, MillisBehindLatest, ChildShards. */
  readonly rest: Readonly<Record<string, unknown>>;
}
