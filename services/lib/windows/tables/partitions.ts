/**
 * Both tables spread over partitions by the hash's highest bits, so that each grows on its own and no pause is long; in a partition
 * over buckets by the next bits.
 */
export const defaultPartitionBits = 6;

/** `bits` = log2 of the number of partitions, at most 8. */
export const partitionOf = (hash: number, bits: number): number => (hash >>> 1) >>> (31 - bits);

export const bucketOf = (hash: number, bits: number, buckets: number): number =>
  Math.floor(((hash << bits) >>> 0) * (buckets / 4_294_967_296));
