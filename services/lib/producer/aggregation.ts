import type { HashRange } from '../kcl/shards.ts';

/** One record inside an aggregate, or a plain record. */
export interface UserRecord {
  readonly partitionKey: string;
  readonly explicitHashKey?: string;
  readonly data: Buffer;
}

export type Deaggregated =
  | { readonly kind: 'plain'; readonly records: readonly [UserRecord] }
  /** Index in `records` = sub-sequence number. */
  | { readonly kind: 'aggregate'; readonly records: readonly UserRecord[] }
  /** One user record lies outside the shard's range: KCL drops the whole aggregate, and so do all our readers. */
  | { readonly kind: 'stray'; readonly count: number };

/** Takes one Kinesis record apart exactly as KCL does (KCL: retrieval/AggregatorUtil.java). */
export function deaggregate(_data: Buffer, _partitionKey: string, _shardRange: HashRange): Deaggregated {
  throw new Error('not built yet');
}
