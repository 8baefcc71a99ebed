import { Rate } from './rate.ts';

export interface CallLimit {
  readonly perSecond: number;
  /** Whose calls are counted together. */
  readonly per: 'account' | 'stream' | 'shard';
}

const account = (perSecond: number): CallLimit => ({ perSecond, per: 'account' });
const stream = (perSecond: number): CallLimit => ({ perSecond, per: 'stream' });

/**
 * Calls a second of each operation that is not limited by a shard's throughput: from the API reference of the operation, and
 * where that says nothing from "Quotas and limits" of the developer guide (control plane API limits). Where the two differ in
 * whose calls are counted, the API reference is followed.
 */
export const callLimits: Readonly<Record<string, CallLimit>> = {
  AddTagsToStream: account(5),
  CreateStream: account(5),
  DecreaseStreamRetentionPeriod: stream(5), // developer guide
  DeleteStream: account(5),
  DeregisterStreamConsumer: stream(5),
  DescribeLimits: account(1),
  DescribeStream: account(10),
  DescribeStreamConsumer: stream(20),
  DescribeStreamSummary: account(20),
  GetShardIterator: { perSecond: 5, per: 'shard' }, // "per account per open shard"
  IncreaseStreamRetentionPeriod: stream(5), // developer guide
  ListShards: stream(1_000),
  ListStreamConsumers: stream(5),
  ListStreams: account(5),
  ListTagsForStream: account(5),
  MergeShards: account(5),
  RegisterStreamConsumer: account(5),
  RemoveTagsFromStream: account(5),
  SplitShard: account(5),
  UpdateShardCount: account(10),
};

/** Counts calls; what is forgotten elsewhere (a stream, a shard) is forgotten here too. */
export class CallRates {
  readonly #rates = new WeakMap<object, Map<string, Rate>>();

  /** Whether `operation` may be called once more; `of` is whose calls are counted together. A refused call does not count. */
  take(of: object, operation: string, perSecond: number, nowMs: number): boolean {
    let rates = this.#rates.get(of);
    if (rates === undefined) this.#rates.set(of, (rates = new Map()));
    let rate = rates.get(operation);
    if (rate === undefined) rates.set(operation, (rate = new Rate(perSecond)));
    if (!rate.allows(nowMs, 1)) return false;
    rate.take(nowMs, 1);
    return true;
  }
}
