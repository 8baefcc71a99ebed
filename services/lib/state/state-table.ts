import type { Fence } from './fence.ts';
import type { StateChange, StateRow } from './state-row.ts';

/**
 * The rows of one application on one stream, and the lease rows beside them. Reads are strongly consistent. A call that got no answer
 * rejects with TABLE_UNAVAILABLE, retriable, and may have had its effect: the callers (ownership.ts, until-answered.ts) live with that.
 */
export interface StateTable {
  read(shardId: string): Promise<StateRow | undefined>;

  /**
   * In one transaction: KCL's lease row names this worker, and the epoch, still `seen` (0: no row yet), becomes `seen + 1`.
   * `notOwner`: the lease names another worker, or there is none. `passed`: another epoch was taken meanwhile.
   */
  raiseEpoch(shardId: string, seen: number): Promise<'raised' | 'notOwner' | 'passed'>;

  /** The lease row names this worker. */
  ownsLease(shardId: string): Promise<boolean>;

  fenceOf(shardId: string, epoch: number): Fence;

  /** All or nothing, and only while the fence's epoch is the newest. */
  write(fence: Fence, change: StateChange): Promise<'written' | 'fenced'>;

  /** Notes that a final's snapshots are gone. */
  retire(shardId: string): Promise<void>;
}
