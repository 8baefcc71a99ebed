import type { Batch } from '../store/record-log.ts';
import type { Shard } from '../store/shard.ts';

/** RecordList, API reference. */
const maxEventRecords = 10_000;
/** Data and keys; with a single record of 1 MiB an event is still far below the 16 MiB that SDKs take. Bounds a slow reader's queue too. */
const maxEventBytes = 1_048_576;

/** The next batch of a subscription: of at most `allowance` bytes, but for a single larger record. */
export function readNext(shard: Shard, counter: number, allowance: number): Batch {
  return shard.log.read(counter, maxEventRecords, Math.min(maxEventBytes, allowance));
}
