import { defaultPartitionBits } from '../windows/tables/partitions.ts';

export interface MemoryLimits {
  /** Bound of what one key can take in one rule; the oldest go first. */
  readonly maxEventsPerKey: number;
  /**
   * Bound of what all keys together can take in one rule, a pair counted once; the oldest times go first. Not counted are the first
   * events of a session that began longer ago than events can still come, plus its gap: at most atLeast a key, while the session lasts.
   */
  readonly maxEventsPerRule: number;
  /** Bound of what all rules together can take: each has its share of it, if that is less. */
  readonly maxEvents: number;
  /**
   * Bound of the event ids by which an event that comes again is known. Beyond it the oldest times go first, and events as old as those
   * are late, since nobody can tell whether they came before.
   */
  readonly maxIds: number;
  /** log2 of the parts in which tables grow; of no effect but on pauses. */
  readonly partitionBits: number;
}

export const defaultLimits: MemoryLimits = {
  maxEventsPerKey: 4_096,
  maxEventsPerRule: 8_388_608, // 256 MiB
  maxEvents: 16_777_216, // 512 MiB
  maxIds: 16_777_216, // about 640 MiB
  partitionBits: defaultPartitionBits,
};
