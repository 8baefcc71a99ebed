import type { ConditionCheck } from '@aws-sdk/client-dynamodb';

/** Proof that a shard is ours: writes under it fail once another owner has taken the next epoch. */
export interface Fence {
  readonly shardId: string;
  readonly epoch: number;
  /** Goes into every transaction that only the shard's owner may make: the epoch has not been passed. */
  readonly check: ConditionCheck;
}
