import { defaultPartitionBits } from '../windows/tables/partitions.ts';

export interface MemoryLimits {
  /** Bound of what one key can take in one rule; the oldest go first. */
  readonly maxEventsPerKey: number;
  /**
   * Bound of what all keys together can take in one rule, a pair counted once; the oldest times go first. Not counted are the first
   * events of a session that began longer ago than events can still come, plus its gap: at most atLeast a key, while the session lasts.
   */
  readonly maxEventsPerRule: number;
  /** log2 of the parts in which tables are swept; of no effect but on pauses. */
  readonly partitionBits: number;
}

export const defaultLimits: MemoryLimits = {
  maxEventsPerKey: 4_096,
  maxEventsPerRule: 8_388_608, // 256 MiB of events
  partitionBits: defaultPartitionBits,
};
