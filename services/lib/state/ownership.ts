import type { Fence } from './fence.ts';
import { leaseLost } from './lease-lost.ts';
import type { StateRow } from './state-row.ts';
import type { StateTable } from './state-table.ts';
import { type Patience, untilAnswered } from './until-answered.ts';

export interface Taken {
  readonly fence: Fence;
  /** Read after the epoch was taken: no earlier owner can change it any more. */
  readonly row: StateRow;
}

/**
 * Takes the next epoch of a shard whose lease is ours. An answer that is lost is never guessed: the row is read again and the epoch
 * after it is taken, so an epoch belongs to at most one owner.
 */
export async function takeEpoch(table: StateTable, shardId: string, patience: Patience): Promise<Taken | 'notOwner'> {
  const fence = await untilAnswered(
    'take the next epoch',
    async () => {
      for (;;) {
        const seen = (await table.read(shardId))?.epoch ?? 0;
        const outcome = await table.raiseEpoch(shardId, seen);
        if (outcome === 'notOwner') return outcome;
        if (outcome === 'raised') return table.fenceOf(shardId, seen + 1);
      }
    },
    patience,
  );
  if (fence === 'notOwner') return fence;
  const row = await untilAnswered('read the state row', () => table.read(shardId), patience);
  // Another owner may have followed already: its row would not be ours to go by.
  return row === undefined || row.epoch !== fence.epoch ? 'notOwner' : { fence, row };
}

/**
 * Before an alarm: a newer owner's snapshots let go of those that were found here, and what is missing then is no damage.
 * Rejects with LEASE_LOST.
 */
export async function assertNewest(table: StateTable, fence: Fence, patience: Patience): Promise<void> {
  const row = await untilAnswered('read the state row', () => table.read(fence.shardId), patience);
  if (row?.epoch !== fence.epoch) throw leaseLost(fence, 'going on');
}
