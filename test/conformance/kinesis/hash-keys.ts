import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Shard } from '@aws-sdk/client-kinesis';

/** "An MD5 hash function is used to map partition keys to 128-bit integer values" (PutRecord). */
export const hashKeys = 1n << 128n;
export const hashKeyOf = (partitionKey: string): bigint => BigInt(`0x${createHash('md5').update(partitionKey, 'utf8').digest('hex')}`);

export const startOf = ({ HashKeyRange }: Pick<Shard, 'HashKeyRange'>): bigint => BigInt(HashKeyRange?.StartingHashKey ?? '');
export const endOf = ({ HashKeyRange }: Pick<Shard, 'HashKeyRange'>): bigint => BigInt(HashKeyRange?.EndingHashKey ?? '');
export const idOf = (shard: { readonly ShardId?: string | undefined } | undefined): string => shard?.ShardId ?? '';
export const isOpen = ({ SequenceNumberRange }: Shard): boolean => SequenceNumberRange?.EndingSequenceNumber === undefined;

/** In hash order. */
export const inOrder = <T extends Pick<Shard, 'HashKeyRange'>>(shards: readonly T[]): T[] =>
  [...shards].sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));

export const ownerOf = (shards: readonly Shard[], hashKey: bigint): string =>
  idOf(shards.find((shard) => startOf(shard) <= hashKey && hashKey <= endOf(shard)));

/** Asserts that the shards cover [from, to] without gap or overlap; the whole key space by default. */
export function assertTiles(shards: readonly Pick<Shard, 'HashKeyRange'>[], from = 0n, to = hashKeys - 1n): void {
  let next = from;
  for (const shard of inOrder(shards)) {
    assert.equal(startOf(shard), next, 'a gap or an overlap between hash key ranges');
    next = endOf(shard) + 1n;
  }
  assert.equal(next, to + 1n, 'the hash key ranges do not reach the end');
}
