import type { StreamRecord } from './processor.ts';
import { type HashRange, hashKeyOf, inRange } from './shards.ts';

/**
 * Drops each aggregate that holds a record from outside the shard's range, whole, as KCL does and as our own readers do: the producer puts all
 * its records again, one by one. KCL itself lets such an aggregate through while its shard cache does not know the shard, which is
 * right after a reshard ("Cannot get the shard for this ProcessTask", KCL: lifecycle/ProcessTask.java).
 *
 * An aggregate = several records of one sequence number; a plain record cannot stray. Keys are taken as hashed: no producer of ours
 * sets an explicit hash key, and KCL does not pass it on.
 */
export function withoutStrays(records: readonly StreamRecord[], range: HashRange): readonly StreamRecord[] {
  const isStray = (record: StreamRecord): boolean => !inRange(hashKeyOf(record.partitionKey), range);
  const strayed = new Set(records.filter((record, i) => isOfAggregate(records, i) && isStray(record)).map((r) => r.sequenceNumber));
  return strayed.size === 0 ? records : records.filter((record) => !strayed.has(record.sequenceNumber));
}

function isOfAggregate(records: readonly StreamRecord[], i: number): boolean {
  const { sequenceNumber, subSequenceNumber } = records[i]!;
  return subSequenceNumber > 0 || records[i + 1]?.sequenceNumber === sequenceNumber;
}
